//! BERT's normalization: control characters go, white space becomes blanks, Chinese characters get blanks around them, accents and
//! letter case go where asked for.

use super::super::failed;
use super::super::read::Stage;
use super::super::text::Text;
use crate::error::Result;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pipeline::Normalizer;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

/// BERT's normalization.
pub struct Bert {
    all: BertNormalizer,
    /// The part that leaves accents and letter case alone.
    clean: BertNormalizer,
}

impl Bert {
    /// `strip_accents`: whether accents go, `None`: where letters are lowercased.
    pub fn new(clean_text: bool, chinese: bool, strip_accents: Option<bool>, lowercase: bool) -> Self {
        Self {
            all: BertNormalizer::new(clean_text, chinese, strip_accents, lowercase),
            clean: BertNormalizer::new(clean_text, chinese, Some(false), false),
        }
    }

    /// Reads `BertNormalizer`.
    pub fn read(stage: &Stage) -> Result<Self> {
        Ok(Self::new(
            stage.flag("clean_text", None)?,
            stage.flag("handle_chinese_chars", None)?,
            stage.maybe_flag("strip_accents")?,
            stage.flag("lowercase", None)?,
        ))
    }

    /// Source: Devlin et al. 2019, `BasicTokenizer`; `tokenizers` 0.23, `normalizers/bert.rs`.
    pub fn apply(&self, text: &mut Text) -> Result<()> {
        if !text.has_origins() {
            // The crate's own stage knows no origins, and is faster.
            let normalized = self.all.normalize(text.as_str(), 0).map_err(failed)?.into_owned();
            text.replace_with(normalized);
            return Ok(());
        }
        let mut buffer = [0; 4];
        let mut error = None;
        text.map(|c, push| match self.clean.normalize(c.encode_utf8(&mut buffer), 0) {
            Ok(normalized) => normalized.chars().for_each(push),
            Err(e) => error = Some(failed(e)),
        });
        if let Some(error) = error {
            return Err(error);
        }
        if self.all.strip_accents.unwrap_or(self.all.lowercase) {
            let decomposed: Vec<_> = text.as_str().nfd().collect();
            text.transform(&decomposed);
            text.filter(|c| !c.is_mark_nonspacing());
        }
        if self.all.lowercase {
            text.map(|c, push| c.to_lowercase().for_each(push));
        }
        Ok(())
    }
}
