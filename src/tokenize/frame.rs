//! The frame of a tokenizer, its post-processor: the special tokens around a text or a pair of texts, and the
//! types of all tokens.

use super::read::Stage;
use super::trim::Trim;
use super::{invalid, unsupported};
use crate::error::Result;
use crate::json::start_of;
use serde_json::Value;

/// A special token's id, and its type.
pub type Special = (u32, u8);

/// The special tokens around one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Single {
    /// The tokens before it.
    pub before: Vec<Special>,
    /// The type of its tokens.
    pub kind: u8,
    /// The tokens after it.
    pub after: Vec<Special>,
}

/// The special tokens around two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The tokens before the first text.
    pub before: Vec<Special>,
    /// The tokens between the two.
    pub between: Vec<Special>,
    /// The tokens after the second text.
    pub after: Vec<Special>,
    /// The types of the texts' tokens.
    pub kinds: [u8; 2],
}

/// The frame of a text, and of a pair if the tokenizer has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// For one text.
    pub single: Single,
    /// For a pair.
    pub pair: Option<Pair>,
    /// How offsets exclude the white space of a token, if they do.
    pub trim: Option<Trim>,
}

impl Frame {
    /// `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` with type 1 starting at B.
    pub fn bert(cls: u32, sep: u32) -> Self {
        let single = Single { before: vec![(cls, 0)], kind: 0, after: vec![(sep, 0)] };
        let pair = Pair { before: vec![(cls, 0)], between: vec![(sep, 0)], after: vec![(sep, 1)], kinds: [0, 1] };
        Self { single, pair: Some(pair), trim: None }
    }

    /// `<s> A </s>`, and `<s> A </s> </s> B </s>`, all of type 0.
    pub fn roberta(cls: u32, sep: u32, trim: Option<Trim>) -> Self {
        let single = Single { before: vec![(cls, 0)], kind: 0, after: vec![(sep, 0)] };
        let between = vec![(sep, 0), (sep, 0)];
        let pair = Pair { before: vec![(cls, 0)], between, after: vec![(sep, 0)], kinds: [0, 0] };
        Self { single, pair: Some(pair), trim }
    }

    /// Reads the post-processor of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TokenizerInvalid`], [`crate::ErrorKind::TokenizerUnsupported`].
    pub fn read(stage: &Stage) -> Result<Self> {
        let trim = || -> Result<Option<Trim>> {
            let prefix_space = stage.flag("add_prefix_space", Some(true))?;
            Ok(stage.flag("trim_offsets", Some(true))?.then_some(Trim { prefix_space }))
        };
        Ok(match stage.kind() {
            "BertProcessing" => Self::bert(token(stage, "cls")?, token(stage, "sep")?),
            "RobertaProcessing" => Self::roberta(token(stage, "cls")?, token(stage, "sep")?, trim()?),
            "ByteLevel" => Self { trim: trim()?, ..Self::default() },
            "TemplateProcessing" => Self::template(stage)?,
            "Sequence" => {
                let mut whole = Self::default();
                for frame in stage.stages("processors", Self::read)? {
                    if whole.pair.is_some() || whole.single != Single::default() {
                        return Err(unsupported(
                            "adds special tokens twice: only one post-processor of a sequence may add them.",
                        ));
                    }
                    whole = Self { trim: frame.trim.or(whole.trim), ..frame };
                }
                whole
            }
            _ => return Err(stage.unsupported()),
        })
    }

    /// The ids of all special tokens.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        let Single { before, after, .. } = &self.single;
        let pair = self.pair.iter().flat_map(|pair| [&pair.before, &pair.between, &pair.after]);
        [before, after].into_iter().chain(pair).flatten().map(|(id, _)| *id)
    }

    /// Sets the types of all tokens to 0.
    pub fn drop_types(&mut self) {
        let Self { single, pair, .. } = self;
        single.kind = 0;
        let mut runs = vec![&mut single.before, &mut single.after];
        if let Some(pair) = pair {
            pair.kinds = [0; 2];
            runs.extend([&mut pair.before, &mut pair.between, &mut pair.after]);
        }
        runs.into_iter().flatten().for_each(|(_, kind)| *kind = 0);
    }

    fn template(stage: &Stage) -> Result<Self> {
        let Template { mut runs, kinds } = Template::read(stage, "single", &["A"])?;
        let after = runs.pop().unwrap_or_default();
        let before = runs.pop().unwrap_or_default();
        let single = Single { before, kind: kinds[0], after };
        let pair = match stage.field("pair") {
            None => None,
            Some(_) => {
                let Template { mut runs, kinds } = Template::read(stage, "pair", &["A", "B"])?;
                let after = runs.pop().unwrap_or_default();
                let between = runs.pop().unwrap_or_default();
                let before = runs.pop().unwrap_or_default();
                Some(Pair { before, between, after, kinds: [kinds[0], kinds[1]] })
            }
        };
        Ok(Self { single, pair, trim: None })
    }
}

/// A template: the special tokens before, between and after the texts, and the types of the texts.
struct Template {
    runs: Vec<Vec<Special>>,
    kinds: Vec<u8>,
}

impl Template {
    fn read(stage: &Stage, name: &str, texts: &[&str]) -> Result<Self> {
        let wrong = || stage.wrong(name, "a list of special tokens and texts");
        let mut template = Self { runs: vec![Vec::new()], kinds: Vec::new() };
        for item in stage.field(name).and_then(Value::as_array).ok_or_else(wrong)? {
            let (special, fields) = match (item.get("SpecialToken"), item.get("Sequence")) {
                (Some(fields), None) => (true, fields),
                (None, Some(fields)) => (false, fields),
                _ => return Err(wrong()),
            };
            let id = fields.get("id").and_then(Value::as_str).ok_or_else(wrong)?;
            let kind = fields.get("type_id").map_or(Some(0), Value::as_u64);
            let kind = kind.and_then(|kind| u8::try_from(kind).ok()).ok_or_else(wrong)?;
            if !special {
                if texts.get(template.kinds.len()) != Some(&id) {
                    return Err(unsupported(format!(
                        "has the text {:?} in its frame where {} is expected: each text must appear once, in order.",
                        start_of(id),
                        texts.get(template.kinds.len()).unwrap_or(&"none")
                    )));
                }
                template.kinds.push(kind);
                template.runs.push(Vec::new());
                continue;
            }
            let ids = stage.field("special_tokens").and_then(|all| all.get(id)?.get("ids")?.as_array());
            let Some(ids) = ids else {
                return Err(invalid(format!(
                    "frames a text with {:?}, which it doesn't define: use the original file.",
                    start_of(id)
                )));
            };
            let run = template.runs.last_mut().ok_or_else(wrong)?;
            for id in ids {
                let id = id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(wrong)?;
                run.push((id, kind));
            }
        }
        if template.kinds.len() < texts.len() {
            return Err(invalid(format!(
                "has a frame {name:?} without the text {:?}: use the original file.",
                texts[template.kinds.len()]
            )));
        }
        Ok(template)
    }
}

/// The id of a token in a field with its text and its id.
fn token(stage: &Stage, name: &str) -> Result<u32> {
    let id = stage.field(name).and_then(|pair| pair.get(1)?.as_u64()).and_then(|id| u32::try_from(id).ok());
    id.ok_or_else(|| stage.wrong(name, "a token and its id"))
}

impl Pair {
    /// How many special tokens frame a pair.
    pub fn special_tokens(&self) -> usize {
        self.before.len() + self.between.len() + self.after.len()
    }
}
