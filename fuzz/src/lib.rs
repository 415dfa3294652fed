//! Shared by the fuzz targets: inputs made from bytes ([`text`], [`stages`], [`json`], [`tensors`],
//! [`protobuf`], [`torch`]), invariants of every accepted tokenizer, whatever its files say ([`check`]), and
//! the limits of an input ([`bounds`]).

pub mod bounds;
pub mod check;
pub mod json;
#[path = "../../tests/common/protobuf.rs"]
pub mod protobuf;
pub mod stages;
pub mod tensors;
pub mod text;
#[path = "../../tests/common/texts.rs"]
mod texts;
#[path = "../../tests/common/torch.rs"]
pub mod torch;

pub use arbitrary::{Result, Unstructured};
pub use bounds::run_bounded;
use tabsense::tokenize::{Tokenizer, TokenizerFiles};
use tabsense::weights::header::Header;
use tabsense::weights::stream::RowSink;

/// The number of rows of the embedding; ids must be below it.
pub const ROWS: usize = 600;

/// The first byte of an input that is a complete file, so that real files can be seeds (scripts/fuzz.mjs).
const WHOLE: u8 = 0xff;

/// The file, if the input is one; then the file's bytes make all other choices.
pub fn complete_file<'a>(u: &mut Unstructured<'a>) -> Option<&'a [u8]> {
    let (first, file) = u.peek_bytes(u.len())?.split_first()?;
    (*first == WHOLE).then(|| {
        *u = Unstructured::new(file);
        file
    })
}

/// Reads the files. If they make a tokenizer, checks it with texts from the rest of `u`.
///
/// # Errors
/// `u` has no bytes left.
pub fn run(files: &TokenizerFiles, u: &mut Unstructured) -> Result<()> {
    match Tokenizer::from_files(files, ROWS) {
        Ok(tokenizer) => check::check(&tokenizer, &text::text(u)?, &text::text(u)?, u.int_in_range(0..=40)?),
        Err(error) => check_message(&error),
    }
    Ok(())
}

/// Checks that an error message is a sentence that a terminal can show.
pub fn check_message(error: &tabsense::Error) {
    let message = error.message();
    assert!(message.ends_with('.') && message.len() < 3000, "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

/// A sink that takes all rows.
pub struct TakesAllRows;

impl RowSink for TakesAllRows {
    fn header(&mut self, _: &Header) -> tabsense::Result<()> {
        Ok(())
    }
    fn takes(&self, _: usize) -> bool {
        true
    }
    fn row(&mut self, _: usize, _: usize, _: &[u8]) -> tabsense::Result<()> {
        Ok(())
    }
}

/// The output for a file in chunks, or the kind of its error.
pub type Output = std::result::Result<Vec<u8>, tabsense::ErrorKind>;

/// `result`, after checking its error message.
pub fn check_result(result: tabsense::Result<Vec<u8>>) -> Output {
    result.map_err(|error| {
        check_message(&error);
        error.kind()
    })
}

/// Changes some bytes of a file, or truncates it.
///
/// # Errors
/// `u` has no bytes left.
pub fn damage(bytes: &mut Vec<u8>, u: &mut Unstructured) -> Result<()> {
    for _ in 0..u.int_in_range(0..=3)? {
        if let Some(last) = bytes.len().checked_sub(1) {
            let at = u.int_in_range(0..=last)?;
            bytes[at] = u.arbitrary()?;
        }
    }
    if u.ratio(1, 8)? {
        let end = u.int_in_range(0..=bytes.len())?;
        bytes.truncate(end);
    }
    Ok(())
}
