use super::*;

/// A generator of numbers that look random (xorshift).
fn drawn(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    }
}

/// A file of tensors of four types; their numbers have a bell-shaped distribution, like weights.
fn file(numbers: usize) -> Vec<u8> {
    let mut draw = drawn(7);
    let mut bell = || (0..4).map(|_| (draw() % 64) as i32 - 32).sum::<i32>();
    let q: Vec<u8> = (0..numbers).map(|_| bell() as i8 as u8).collect();
    let scales: Vec<u8> =
        (0..numbers).flat_map(|_| half::f16::from_f32(0.01 + bell() as f32 / 1e5).to_le_bytes()).collect();
    let biases: Vec<u8> = (0..numbers).flat_map(|_| (bell() as f32 / 7.0).to_le_bytes()).collect();
    let tensors = [
        ("scale", Dtype::F16, numbers, &scales),
        ("weight", Dtype::I8, numbers, &q),
        ("packed", Dtype::U8, numbers, &q),
        ("bias", Dtype::F32, numbers, &biases),
    ];
    let header = tensors.map(|(name, dtype, n, bytes)| (name.to_owned(), dtype, vec![n], bytes.len()));
    let mut file = crate::weights::safetensors::write_header(header, &[]);
    tensors.iter().for_each(|(.., bytes)| file.extend_from_slice(bytes));
    file
}

/// The tensor's bytes in a coded file.
fn tensor(coded: &[u8]) -> &[u8] {
    let header = u64::from_le_bytes(coded[..8].try_into().unwrap()) as usize;
    &coded[8 + header..]
}

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Vec<u8>>> {
    let (mut decoder, mut out) = (Decoder::new(), Vec::new());
    for mut chunk in chunks {
        while !chunk.is_empty() {
            out.extend_from_slice(decoder.take(&mut chunk)?);
        }
    }
    Ok(decoder.is_complete().then_some(out))
}

#[test]
fn a_whole_file_is_made_plain_once() {
    let file = file(300);
    let coded = encode(&file).unwrap();
    assert_eq!(super::encode::decode(coded.clone()).unwrap(), file);
    assert_eq!(super::encode::decode(file.clone()).unwrap(), file, "a plain one stays as it is");
    for length in [0, 7, coded.len() - 1] {
        let error = super::encode::decode(coded[..length].to_vec()).unwrap_err();
        let kind = if length < 8 { ErrorKind::WeightsHeader } else { ErrorKind::WeightsLength };
        assert_eq!(error.kind(), kind, "{length}: {error}");
    }
    let mut damaged = coded;
    let tail = damaged.len() - 40;
    damaged[tail] ^= 0xff;
    assert_ne!(super::encode::decode(damaged).ok(), Some(file));
}

#[test]
fn gives_back_what_was_coded_in_chunks_of_any_size() {
    for numbers in [0, 1, 2, 3, 5, 300, BLOCK / 4 + 3, BLOCK + 1] {
        let file = file(numbers);
        let coded = encode(&file).unwrap();
        let tensor = tensor(&coded);
        for size in [1, 7, 1 << 12, tensor.len()] {
            assert_eq!(
                decode(tensor.chunks(size)).unwrap().as_ref(),
                Some(&file),
                "{numbers} numbers, chunks of {size}"
            );
        }
    }
}

#[test]
fn is_within_a_hundredth_of_the_bound() {
    let numbers = 1 << 20;
    let mut draw = drawn(1);
    // Pairs of int4 with a bell-shaped distribution, as QAT and GPTQ produce.
    let mut four_bits = || (0..5).map(|_| draw() % 4).sum::<u64>() as u8;
    let pairs: Vec<u8> = (0..numbers).map(|_| four_bits() | four_bits() << 4).collect();
    let mut counts = [0u32; 16];
    pairs.iter().for_each(|pair| (counts[usize::from(pair & 15)] += 1, counts[usize::from(pair >> 4)] += 1).0);
    let share = |count: u32| f64::from(count) / f64::from(2 * numbers);
    let bits: f64 = counts.iter().filter(|c| **c > 0).map(|&c| -share(c) * share(c).log2()).sum();
    let tensor = ("w".to_owned(), Dtype::U8, vec![pairs.len()], pairs.len());
    let mut file = crate::weights::safetensors::write_header([tensor], &[]);
    file.extend_from_slice(&pairs);
    let coded = encode(&file).unwrap().len() as f64;
    let bound = bits * f64::from(2 * numbers) / 8.0;
    assert!(coded < 1.01 * bound, "{coded} bytes, {bound} at least");
}

#[test]
fn damage_shows_or_changes_numbers_only() {
    let file = file(600);
    let coded = encode(&file).unwrap();
    let good = tensor(&coded);
    for at in 0..good.len() {
        assert_eq!(decode([&good[..at]]).unwrap_or(None), None, "cut after {at}");
        for bit in [0, 5, 7] {
            let mut bad = good.to_vec();
            bad[at] ^= 1 << bit;
            if let Ok(Some(out)) = decode([&bad[..]]) {
                assert_eq!(out.len(), file.len(), "bit {bit} of byte {at}");
            }
        }
    }
    let trailing_bytes = [good, &[0]].concat();
    assert_eq!(decode([&trailing_bytes[..]]).err().unwrap().kind(), ErrorKind::WeightsLength);
}

#[test]
fn drawn_bytes_are_refused_without_a_trap() {
    let mut draw = drawn(99);
    for _ in 0..2000 {
        let mut bytes = 1000u64.to_le_bytes().to_vec();
        let n = 1 + draw() as u32 % 900;
        bytes.extend(n.to_le_bytes());
        bytes.extend((draw() as u32 % 1500).to_le_bytes());
        bytes.push([0, 1, 2, 4, 3][draw() as usize % 5]);
        // Valid tables, in some cases: one byte has the whole share.
        bytes.extend((0..255).map(|_| 0).chain([128, 32]));
        bytes.extend((0..1500).map(|_| draw() as u8));
        assert!(decode([&bytes[..]]).map_or(true, |out| out.is_none()));
    }
}

#[test]
fn another_version_is_named() {
    let tensor = |name: &str| TensorInfo { name: name.into(), dtype: Dtype::U8, shape: vec![1], bytes: 1 };
    assert!(is_coded(&[tensor(TENSOR)]).unwrap());
    assert!(!is_coded(&[tensor("weight")]).unwrap());
    assert!(!is_coded(&[tensor(TENSOR), tensor("weight")]).unwrap());
    assert!(is_coded(&[tensor("tabsense.coded.2")]).unwrap_err().message().contains("update"));
}
