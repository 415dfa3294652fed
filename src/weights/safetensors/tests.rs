use super::*;

#[derive(Default)]
struct Rows {
    names: Vec<String>,
    rows: Vec<(usize, usize, Vec<u8>)>,
}

impl RowSink for Rows {
    fn header(&mut self, header: &Header) -> Result<()> {
        self.names = header.tensors.iter().map(|t| t.name.clone()).collect();
        Ok(())
    }
    fn takes(&self, tensor: usize) -> bool {
        self.names[tensor] != "skipped"
    }
    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()> {
        self.rows.push((tensor, row, bytes.to_vec()));
        Ok(())
    }
}

fn file() -> Vec<u8> {
    let json = br#"{"m":{"dtype":"I8","shape":[2,3],"data_offsets":[0,6]},"e":{"dtype":"F32","shape":[0,4],"data_offsets":[6,6]},"v":{"dtype":"F16","shape":[2],"data_offsets":[6,10]},"s":{"dtype":"I8","shape":[],"data_offsets":[10,11]}}"#;
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(json);
    bytes.extend(1..=11u8);
    bytes
}

fn read(chunks: &[&[u8]], announced: Option<usize>) -> Result<Rows> {
    let (mut reader, mut rows) = (Reader::new(announced), Rows::default());
    for chunk in chunks {
        reader.push(chunk, &mut rows)?;
    }
    reader.finish()?;
    Ok(rows)
}

#[test]
fn any_cut_gives_the_same_rows() {
    let file = file();
    let whole = read(&[&file], Some(file.len())).unwrap();
    assert_eq!(whole.rows.len(), 4);
    assert_eq!(whole.rows[1], (0, 1, vec![4, 5, 6]));
    for a in 0..=file.len() {
        for b in a..=file.len() {
            let cut = read(&[&file[..a], &file[a..b], &file[b..]], None).unwrap();
            assert_eq!(cut.rows, whole.rows, "cut at {a} and {b}");
        }
    }
    let bytes: Vec<&[u8]> = file.chunks(1).collect();
    assert_eq!(read(&bytes, None).unwrap().rows, whole.rows);
}

#[test]
fn a_coded_file_gives_the_same_rows() {
    let coded = coded::encode(&file()).unwrap();
    let whole = read(&[&file()], None).unwrap();
    for size in [1, 3, 8, 100, coded.len()] {
        let chunks: Vec<&[u8]> = coded.chunks(size).collect();
        let read = read(&chunks, Some(coded.len())).unwrap();
        assert_eq!((read.names, read.rows), (whole.names.clone(), whole.rows.clone()), "chunks of {size}");
    }
    for n in 0..coded.len() {
        let kind = read(&[&coded[..n]], None).err().expect("incomplete").kind();
        assert_eq!(kind, ErrorKind::WeightsLength, "after {n} bytes");
    }
    let twice = coded::encode(&coded).unwrap();
    let rows = read(&[&twice], None).unwrap();
    assert_eq!(rows.names, [coded::TENSOR], "the file within is read as it is");
}

#[test]
fn skips_unused_tensors_of_any_shape() {
    // Endless rows without any bytes, and a vector that must not be held.
    let rows = usize::MAX >> 1;
    let json = format!(
        r#"{{"v":{{"dtype":"U8","shape":[2],"data_offsets":[5,7]}},"e":{{"dtype":"F32","shape":[{rows},0],"data_offsets":[0,0]}},
            "skipped":{{"dtype":"U8","shape":[5],"data_offsets":[0,5]}},"z":{{"dtype":"U8","shape":[{rows},0],"data_offsets":[7,7]}}}}"#
    );
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(json.as_bytes());
    file.extend(1..=7u8);
    for size in 1..=file.len() {
        let chunks: Vec<&[u8]> = file.chunks(size).collect();
        assert_eq!(read(&chunks, None).unwrap().rows, [(2, 0, vec![6, 7])], "chunks of {size}");
    }
    for n in 0..file.len() {
        assert_eq!(read(&[&file[..n]], None).err().unwrap().kind(), ErrorKind::WeightsLength, "after {n} bytes");
    }
}

#[test]
fn a_file_that_ends_early_at_any_byte() {
    let file = file();
    for n in 0..file.len() {
        let kind = read(&[&file[..n]], None).err().expect("incomplete").kind();
        assert_eq!(kind, ErrorKind::WeightsLength, "after {n} bytes");
    }
}

#[test]
fn a_file_with_a_tail() {
    let mut file = file();
    file.push(0);
    assert_eq!(read(&[&file], None).err().unwrap().kind(), ErrorKind::WeightsLength);
}

#[test]
fn a_length_other_than_the_one_announced() {
    let file = file();
    for announced in [file.len() - 1, file.len() + 1, 0] {
        assert_eq!(read(&[&file], Some(announced)).err().unwrap().kind(), ErrorKind::WeightsLength);
    }
}

#[test]
fn a_failed_reader_rejects_more_input() {
    let (mut reader, mut rows) = (Reader::new(None), Rows::default());
    assert!(reader.push(&[0; 8], &mut rows).is_err());
    assert!(reader.push(&file(), &mut rows).is_err());
    assert!(reader.finish().is_err());
}
