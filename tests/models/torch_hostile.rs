//! Checkpoints that lie or try to execute code: each is an error with a message, and nothing hangs.

use crate::common::edit::Tensor;
use crate::common::torch::{self, Pickle, archive, zip};
use crate::torch::{pickle, rewritten, write};
use tabsense::ErrorKind::{self, NotAModel, WeightsHeader, WeightsLength};
use wasm_bindgen_test::wasm_bindgen_test;

fn refused(file: &[u8], kind: ErrorKind, expected: &str) {
    for size in [file.len(), 61] {
        let error = rewritten(file.chunks(size)).expect_err(expected);
        assert_eq!(error.kind(), kind, "{expected}: {error}");
        assert!(error.message().contains(expected) && error.message().len() < 600, "{expected}: {error}");
    }
}

/// An archive of this pickle and a storage of two floats.
fn of(pickle: &Pickle) -> Vec<u8> {
    archive(&pickle.clone().end(), &[("0", &[0; 8])])
}

const STORAGE: (&str, &str, i64) = ("0", "FloatStorage", 2);

fn two() -> Vec<Tensor> {
    vec![Tensor::f32("a", &[2, 2], &[1.0, 2.0, 3.0, 4.0]), Tensor::f32("b", &[1], &[5.0])]
}

#[wasm_bindgen_test(unsupported = test)]
fn another_kind_of_file_is_named_however_it_is_chunked() {
    let long = format!("{}{{", "\n".repeat(2000));
    for (file, kind, expected) in [
        ("\n\n\n\n\r\n\n\n\n\n\n\r\n{4", NotAModel, "a JSON file"),
        (&long, WeightsHeader, "missing or too long"),
        ("a short text", WeightsHeader, "missing or too long"),
        ("7 bytes", WeightsLength, "ended after 7"),
    ] {
        for size in [file.len(), 11, 1] {
            let error = rewritten(file.as_bytes().chunks(size)).expect_err(expected);
            assert_eq!(error.kind(), kind, "{file:?} in chunks of {size}: {error}");
            assert!(error.message().contains(expected), "{file:?} in chunks of {size}: {error}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn torch_files_without_a_dictionary_of_tensors() {
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../test_data/torch/", $name)).as_slice()
        };
    }
    refused(file!("module.bin"), WeightsHeader, "\"torch.nn.modules.linear.Linear\"");
    refused(file!("script.bin"), WeightsHeader, "TorchScript");
    refused(file!("two.bin"), WeightsHeader, "\"model\", \"ema\"");
    refused(file!("tensor.bin"), WeightsHeader, "other than a dictionary");
    refused(file!("protocol4.bin"), WeightsHeader, "protocol 4");
    refused(file!("compressed.bin"), WeightsHeader, "compressed");
}

#[wasm_bindgen_test(unsupported = test)]
fn globals_and_opcodes_that_execute_are_refused_by_name() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "exec"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch._utils", "_rebuild_qtensor"),
        ("torch.storage", "_load_from_bytes"),
        ("collections", "defaultdict"),
        ("numpy.core.multiarray", "_reconstruct"),
    ] {
        let call = Pickle::default().global(module, name).op(b"(").text("touch /tmp/x").op(b"tR");
        refused(&of(&call), WeightsHeader, &format!("\"{module}.{name}\""));
        // As attributes, and deep in a dictionary.
        let nested = Pickle::default().op(b"}").text("a").op(b"]").global(module, name).op(b"as");
        refused(&of(&nested), WeightsHeader, &format!("\"{module}.{name}\""));
    }
    for (code, name) in [
        (0x81, "NEWOBJ"),
        (b'i', "INST"),
        (b'o', "OBJ"),
        (0x93, "STACK_GLOBAL"),
        (0x92, "NEWOBJ_EX"),
        (0x82, "EXT1"),
        (b'P', "PERSID"),
        (0x8b, "LONG4"),
        (0x95, "FRAME"),
        (b'0', "POP"),
        (b'2', "DUP"),
        (0xff, "0xff"),
        (0, "0x00"),
    ] {
        refused(&of(&Pickle::default().op(&[code])), WeightsHeader, &format!("opcode {name}"));
    }
    refused(&of(&Pickle::default().global("__torch__.x", "Model")), NotAModel, "TorchScript");
    let escape = "\x1b[2J".repeat(60);
    let error = rewritten([of(&Pickle::default().global(&escape, "x")).as_slice()]).unwrap_err();
    assert!(!error.message().contains('\x1b') && error.message().len() < 1000, "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn pickles_with_contradictory_sizes() {
    let start = Pickle::default;
    let view = |offset, shape: &[i64], strides: &[i64]| {
        of(&start().op(b"}").text("a").view(STORAGE, offset, shape, strides).op(b"s"))
    };
    const MOST: i64 = i64::MAX;
    for (offset, shape, strides) in [
        (0, &[3][..], &[1][..]),
        (1, &[2], &[1]),
        (-1, &[1], &[1]),
        (2, &[1], &[1]),
        (0, &[-1], &[1]),
        (0, &[2], &[-1]),
        (0, &[2], &[2]),
        (0, &[2, 2], &[1, 1]),
        (0, &[1 << 40, 1 << 40], &[0, 0]),
        (0, &[4], &[0]),
        (0, &[2], &[MOST]),
        (MOST, &[2], &[MOST]),
        (MOST, &[1], &[1]),
        (0, &[MOST, MOST], &[MOST, MOST]),
    ] {
        refused(&view(offset, shape, strides), WeightsHeader, "an offset outside its storage");
    }
    refused(&view(0, &[1; 5], &[1; 5]), WeightsHeader, "5 dimensions");
    refused(&view(0, &[1, 1], &[1]), WeightsHeader, "dimensions");
    let a = |key| start().op(b"}(").text("a").view(key, 0, &[2], &[1]);
    let twice = a(STORAGE).text("a").view(STORAGE, 0, &[2], &[1]).op(b"u");
    refused(&of(&twice), WeightsHeader, "\"a\" twice");
    let lengths = a(STORAGE).text("b").view(("0", "FloatStorage", 3), 0, &[2], &[1]).op(b"u");
    refused(&of(&lengths), WeightsHeader, "two lengths");
    refused(&of(&a(("0", "FloatStorage", -2)).op(b"u")), WeightsHeader, "-2 numbers");
    refused(&of(&a(("0", "FloatStorage", i64::MAX)).op(b"u")), WeightsHeader, "numbers");
    refused(&of(&a(("../../x", "FloatStorage", 2)).op(b"u")), WeightsHeader, "data.pkl does not name");
    let many = (0..2000).fold(start().op(b"}("), |p, i| p.text(&i.to_string()).view(STORAGE, 0, &[2], &[1]));
    refused(&of(&many.op(b"u")), WeightsHeader, "share the numbers");
    let empty = (0..1100).fold(start().op(b"}("), |p, i| p.text(&i.to_string()).view(STORAGE, 0, &[0], &[1]));
    refused(&of(&empty.op(b"u")), WeightsHeader, "more than 1024 tensors");
    for (bytes, expected) in [
        (&b"t"[..], "lacks a mark"),
        (b"R", "more values than there are"),
        (b"N(s", "more values than there are"),
        (b"NNR", "isn't a function"),
        (b"NQ", "isn't a whole storage"),
        (b"N)b", "BUILD"),
        (b"]NNs", "isn't a dictionary"),
        (b"}(Nu", "keys without values"),
        (b"}Na", "isn't a list"),
        (b"h\x07", "reads a memo"),
        (b"NN", "more than one value"),
        (b"", "more values than there are"),
        (b"}", "no tensors"),
        (b"X\xff\xff\xff\xff", "4294967295 bytes"),
        (b"X\x01\0\0\0\xff", "UTF-8"),
        (b"ccollections\nOrderedDict\n(NNtR", "arguments"),
        (b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nN)NtR", "arguments"),
        (b"\x80\x05", "protocol 5"),
    ] {
        refused(&of(&start().op(bytes)), WeightsHeader, expected);
    }
    refused(&of(&start().global(&"x".repeat(300), "y")), WeightsHeader, "more than 256 bytes");
}

#[wasm_bindgen_test(unsupported = test)]
fn bombs_cost_memory_in_proportion_to_their_bytes() {
    let ends = b"}";
    for (what, bytes) in [
        ("tuples in tuples", [&b"N"[..], &[0x85; 900_000]].concat()),
        ("a list in itself", [&b"]q\0"[..], &b"h\0a".repeat(100_000)].concat()),
        ("marks", b"(".repeat(900_000)),
        ("huge numbers", [&[0x8a, 0xff][..], &[0x7f; 255]].concat().repeat(3000)),
        ("a dictionary in itself", b"}q\0h\0h\0s".repeat(100_000)),
        ("numbers remembered", (0..100_000u32).flat_map(|i| [b"Nr", &i.to_le_bytes()[..]].concat()).collect()),
    ] {
        let file = of(&Pickle::default().op(&bytes).op(ends));
        let error = rewritten(file.chunks(65536)).expect_err(what);
        assert_eq!(error.kind(), WeightsHeader, "{what}: {error}");
    }
    // Pairs of pairs, 2^200 leaves if they were followed.
    let doubled = (0..200).fold(Pickle::default().op(b")q\0"), |p, _| p.op(b"h\0h\0\x86q\0"));
    refused(&of(&doubled), WeightsHeader, "more than one value");
    let long = Pickle::default().op(&b"N".repeat(1 << 21));
    refused(&of(&long), WeightsHeader, "more than 1048576 bytes");
    let endless = Pickle::default().op(&b"K\x01".repeat(1 << 20)).0;
    let error = rewritten([torch::zip([("x/data.pkl", endless.as_slice())]).as_slice()]).unwrap_err();
    assert!(error.message().contains("1048576 bytes"), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn rejects_inconsistent_archives() {
    let (tensors, listed) = (two(), pickle(&two()));
    let (a, b) = (tensors[0].bytes.as_slice(), tensors[1].bytes.as_slice());
    let data = ("x/data.pkl", listed.as_slice());
    let whole = zip([data, ("x/data/0", a), ("x/data/1", b)]);
    assert!(rewritten([whole.as_slice()]).is_ok());
    for (entries, kind, expected) in [
        (&[data, data][..], WeightsHeader, "\"x/data.pkl\" twice"),
        (&[data, ("x/data/0", a), ("x/data/0", a)], WeightsHeader, "\"x/data/0\" twice"),
        (&[data, ("x/data/0", a)], WeightsHeader, "lacks data/\"1\""),
        (&[data, ("x/data/0", &a[..15]), ("x/data/1", b)], WeightsHeader, "length"),
        (&[data, ("x/data/7", a)], WeightsHeader, "does not name"),
        (&[data, ("x/data/../0", a)], WeightsHeader, "does not name"),
        (&[data, ("y/data/0", a)], NotAModel, "\"y/data/0\""),
        (&[("../data.pkl", &listed), ("x/data/0", a)], NotAModel, "\"x/data/0\""),
        (&[data, ("x/more", b"?")], NotAModel, "\"x/more\""),
        (&[data, ("x/code/a.py", b"?")], NotAModel, "TorchScript"),
        (&[data, ("x/constants.pkl", b"?")], NotAModel, "TorchScript"),
        (&[("model.safetensors", b"?")], NotAModel, "\"model.safetensors\""),
        (&[("word/document.xml", b"?")], NotAModel, "\"word/document.xml\""),
        (&[("x/data/0", a), data], WeightsHeader, "before data.pkl"),
        (&[("x/version", b"3\n")], WeightsHeader, "no data.pkl"),
        (&[data, ("x/byteorder", b"big"), ("x/data/0", a)], WeightsHeader, "big-endian"),
        (&[data, ("x/version", &[b'3'; 5000])], WeightsHeader, "more than 1024 bytes"),
    ] {
        let mut error = rewritten([zip(entries.iter().copied()).as_slice()]).expect_err(expected);
        assert_eq!(error.kind(), kind, "{expected}: {error}");
        assert!(error.message().contains(expected), "{expected}: {error}");
        error = rewritten(zip(entries.iter().copied()).chunks(1)).expect_err(expected);
        assert!(error.message().contains(expected), "{expected}: {error}");
    }
    let changed = |from: &[u8], to: &[u8], nth: usize| {
        let mut found = (0..whole.len()).filter(|&i| whole[i..].starts_with(from));
        let at = found.nth(nth).unwrap_or_else(|| panic!("{from:?}"));
        [&whole[..at], to, &whole[at + from.len()..]].concat()
    };
    for (file, expected) in [
        (changed(b"PK\x03\x04\0\0\x08\x08", b"PK\x03\x04\0\0\x09\x08", 1), "encrypted"),
        (changed(b"PK\x03\x04\0\0\x08\x08\0\0", b"PK\x03\x04\0\0\x08\x08\x08\0", 1), "compressed"),
        (changed(b"PK\x03\x04", b"PK\x09\x09", 1), "other than an entry"),
        (changed(b"PK\x07\x08\0\0\0\0\x10", b"PK\x07\x08\0\0\0\0\x11", 0), "a length that doesn't match"),
        (changed(b"x/data/1", b"x/data/9", 1), "lists other entries"),
        (changed(b"PK\x01\x02", b"PK\x05\x06", 2), "does not list"),
        (changed(b"PK\x05\x06", b"PK\x09\x09", 0), "after its directory"),
    ] {
        refused(&file, WeightsHeader, expected);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_file_that_ends_early_or_continues_past_its_end() {
    let file = write(&two());
    let legacy = include_bytes!("../../test_data/torch/legacy.bin").as_slice();
    let fixture = include_bytes!("../../test_data/torch/older.bin").as_slice();
    let cuts = (0..file.len()).map(|n| &file[..n]);
    for cut in cuts.chain((0..legacy.len()).step_by(331).map(|n| &legacy[..n])) {
        assert_eq!(rewritten(cut.chunks(97)).unwrap_err().kind(), WeightsLength, "after {} bytes", cut.len());
    }
    for n in (0..fixture.len()).step_by(29) {
        assert_eq!(rewritten([&fixture[..n]]).unwrap_err().kind(), WeightsLength, "after {n} bytes");
    }
    for whole in [&file, legacy] {
        refused(&[whole, b"\0"].concat(), WeightsLength, "continue after");
        refused(&[whole, whole].concat(), WeightsLength, "continue after");
    }
}

/// Any changed byte of a checkpoint gives an error or other numbers.
#[wasm_bindgen_test(unsupported = test)]
fn a_damaged_checkpoint_never_panics() {
    let file = write(&two());
    for at in 0..file.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff, file[at] ^ 1, file[at].wrapping_add(1)] {
            let mut damaged = file.clone();
            damaged[at] = byte;
            let _ = rewritten(damaged.chunks(50));
        }
    }
}
