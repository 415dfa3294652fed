//! What the fuzz targets share: inputs made of bytes ([`text`], [`stages`],
//! [`protobuf`], [`torch`]), and what holds of every tokenizer
//! that was read, whatever its files say ([`check`]).

pub mod check;
#[path = "../../tests/common/protobuf.rs"]
pub mod protobuf;
pub mod stages;
pub mod text;
#[path = "../../tests/common/texts.rs"]
mod texts;
#[path = "../../tests/common/torch.rs"]
pub mod torch;

pub use arbitrary::{Result, Unstructured};
use tabsense::tokenize::{Tokenizer, TokenizerFiles};

/// The rows of the embedding that the ids must have.
pub const ROWS: usize = 600;

/// Reads the files, and checks the tokenizer that they make, if they do, with texts of the rest of `u`.
///
/// # Errors
/// There are no bytes left.
pub fn run(files: &TokenizerFiles, u: &mut Unstructured) -> Result<()> {
    match Tokenizer::from_files(files, ROWS) {
        Ok(tokenizer) => check::check(&tokenizer, &text::text(u)?, &text::text(u)?, u.int_in_range(0..=40)?),
        Err(error) => assert!(error.message().ends_with('.'), "{error}"),
    }
    Ok(())
}

/// Changes some bytes of a file, or cuts it.
///
/// # Errors
/// There are no bytes left.
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
