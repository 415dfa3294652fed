//! The class of transformers that reads a tokenizer, and how it interprets its files. These classes only use
//! the vocabulary and the added tokens of `tokenizer.json`, and `tokenizer_config.json` for the rest; other
//! classes use all of `tokenizer.json`.

use super::super::added::AddedToken;
use super::super::frame::Frame;
use super::super::model::Model;
use super::super::normalize::{self, Normalizer, Precompiled};
use super::super::split::{self, Bert, ByteLevel, PreTokenizer};
use super::super::trim::Trim;
use super::config::{SPECIAL, special_of};
use super::json::FileModel;
use super::vocabulary::FileVocabulary;
use crate::error::{ErrorKind, Result};
use crate::json::JsonFile;

/// What a model's `config.json` says about its tokenizer.
#[derive(Clone, Debug, Default)]
pub struct ModelConfig {
    /// The class that it names.
    class: Option<String>,
    /// The model's type, which implies a class.
    model_type: Option<String>,
}

impl ModelConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`], [`ErrorKind::NotAModel`].
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let fields = JsonFile { name: "config.json", kind: ErrorKind::ConfigInvalid }.object(bytes)?;
        let text = |name: &str| fields.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Ok(Self { class: text("tokenizer_class"), model_type: text("model_type") })
    }
}

/// A class that rebuilds its tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// BERT's, DistilBERT's, ELECTRA's, MobileBERT's.
    Bert,
    /// MPNet's.
    MpNet,
    /// RoBERTa's.
    Roberta,
    /// XLM-RoBERTa's.
    XlmRoberta,
    /// CamemBERT's.
    Camembert,
    /// DeBERTa's, versions 2 and 3.
    DebertaV2,
}

/// The settings of `tokenizer_config.json` that a class uses.
pub struct Settings {
    /// Whether letters are lowercased, if the file says so.
    pub lowercase: Option<bool>,
    /// Whether punctuation characters are separate words.
    pub split_by_punct: bool,
    /// The id of the unknown token.
    pub unk_id: Option<usize>,
    /// Whether Chinese characters are words.
    pub chinese: bool,
    /// Whether accents are removed; by default, if letters are lowercased.
    pub strip_accents: Option<bool>,
    /// Whether a blank is prepended to a text.
    pub prefix_space: Option<bool>,
    /// Whether offsets exclude blanks.
    pub trim_offsets: bool,
    /// The special tokens, in the order of [`SPECIAL`].
    pub special: Vec<Option<String>>,
    /// How many further special tokens the file names, if any.
    pub further: Option<usize>,
}

/// The stages that a class builds.
pub struct Stages {
    /// The normalizer.
    pub normalizer: Normalizer,
    /// The pre-tokenizer.
    pub pre_tokenizer: PreTokenizer,
    /// The model.
    pub model: Model,
}

impl Class {
    /// The class that `tokenizer_config.json` or `config.json` names, or that the model's type implies.
    /// `None` for classes that use `tokenizer.json` as it is, and for the classes of other models.
    pub fn of(named: Option<&str>, model_config: &ModelConfig) -> Option<Self> {
        let named = named.or(model_config.class.as_deref());
        match named.map(|name| name.strip_suffix("Fast").unwrap_or(name)) {
            Some(
                "BertTokenizer"
                | "DistilBertTokenizer"
                | "ElectraTokenizer"
                | "LayoutLMTokenizer"
                | "LxmertTokenizer"
                | "MobileBertTokenizer"
                | "SqueezeBertTokenizer",
            ) => Some(Self::Bert),
            Some("MPNetTokenizer") => Some(Self::MpNet),
            Some("RobertaTokenizer" | "BartTokenizer" | "LEDTokenizer" | "LongformerTokenizer" | "MvpTokenizer") => {
                Some(Self::Roberta)
            }
            Some("XLMRobertaTokenizer") => Some(Self::XlmRoberta),
            Some("CamembertTokenizer") => Some(Self::Camembert),
            Some("DebertaV2Tokenizer") => Some(Self::DebertaV2),
            Some(_) => None,
            None => match model_config.model_type.as_deref()? {
                "bert" | "convbert" | "distilbert" | "electra" | "ernie" | "megatron-bert" | "mobilebert" | "nezha"
                | "nomic_bert" | "squeezebert" => Some(Self::Bert),
                "mpnet" => Some(Self::MpNet),
                "roberta" | "data2vec-text" | "longformer" | "roberta-prelayernorm" => Some(Self::Roberta),
                "deberta-v2" => Some(Self::DebertaV2),
                "xlm-roberta" | "xmod" => Some(Self::XlmRoberta),
                "camembert" => Some(Self::Camembert),
                _ => None,
            },
        }
    }

    /// Its name in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "BertTokenizer",
            Self::MpNet => "MPNetTokenizer",
            Self::Roberta => "RobertaTokenizer",
            Self::XlmRoberta => "XLMRobertaTokenizer",
            Self::Camembert => "CamembertTokenizer",
            Self::DebertaV2 => "DebertaV2Tokenizer",
        }
    }

    /// Whether the class that is named, or that the model's type implies, passes token types to the model.
    ///
    /// Source: `transformers` 5.24, `model_input_names` of the classes; the generic one doesn't list types.
    pub fn gives_types(named: Option<&str>, model_config: &ModelConfig) -> bool {
        let class = named.or(model_config.class.as_deref());
        let distilbert = class.is_some_and(|name| name.starts_with("DistilBertTokenizer"));
        !distilbert && matches!(Self::of(named, model_config), Some(Self::Bert | Self::DebertaV2))
    }

    /// The default special token of a field, if no file names one.
    pub fn special_token(self, name: &str) -> Option<AddedToken> {
        let content = match (self, name) {
            (Self::Bert, "bos_token" | "eos_token") => return None,
            (Self::Bert | Self::DebertaV2 | Self::MpNet, "unk_token") => "[UNK]",
            (Self::Bert | Self::DebertaV2, "sep_token" | "eos_token") => "[SEP]",
            (Self::Bert | Self::DebertaV2, "pad_token") => "[PAD]",
            (Self::Bert | Self::DebertaV2, "cls_token" | "bos_token") => "[CLS]",
            (Self::Bert | Self::DebertaV2, _) => "[MASK]",
            (_, "bos_token" | "cls_token") => "<s>",
            (_, "eos_token" | "sep_token") => "</s>",
            (_, "unk_token") => "<unk>",
            (_, "pad_token") => "<pad>",
            (_, _) => "<mask>",
        };
        let takes_blanks = name == "mask_token" && matches!(self, Self::MpNet | Self::Camembert);
        // MPNet creates its tokens as not special, hence normalized, and corrects only the former later.
        let normalized = self == Self::MpNet;
        Some(AddedToken { lstrip: takes_blanks, normalized, ..special_of(content) })
    }

    /// The default further special tokens, if no file names any.
    pub fn further_tokens(self) -> Vec<AddedToken> {
        match self {
            Self::Camembert => ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"].map(special_of).into(),
            _ => Vec::new(),
        }
    }

    /// Whether a file's model is of the kind that the class builds.
    pub fn takes(self, model: &FileModel) -> bool {
        let scored = model.vocab.as_ref().is_some_and(|vocabulary| vocabulary.scores.is_some());
        match self {
            Self::Bert | Self::MpNet => !scored && model.merges.is_none(),
            Self::Roberta => !scored && model.merges.is_some(),
            Self::XlmRoberta | Self::Camembert | Self::DebertaV2 => scored,
        }
    }

    /// Builds the stages from the vocabulary (and the merges) of a file, and from its character map.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerInvalid`], [`ErrorKind::TokenizerUnsupported`].
    ///
    /// Source: `transformers` 5.24, `models/*/tokenization_*.py`.
    pub fn make(self, settings: &Settings, file: FileModel, map: Option<Precompiled>, rows: usize) -> Result<Stages> {
        let FileModel { vocab, merges, name, unk_id: of_file, .. } = file;
        // The one in tokenizer.json is ignored.
        let file_unk_id = of_file.filter(|_| name.is_some());
        let unknown = settings.special("unk_token");
        let plain = FileModel { vocab, name, ..FileModel::default() };
        let prefix_space = settings.prefix_space;
        Ok(match self {
            Self::Bert | Self::MpNet => {
                let Settings { lowercase, chinese, strip_accents, .. } = *settings;
                Stages {
                    normalizer: Normalizer::Bert(normalize::Bert::new(
                        true,
                        chinese,
                        strip_accents,
                        lowercase.unwrap_or(true),
                    )),
                    pre_tokenizer: PreTokenizer::Bert(Bert::default()),
                    model: FileModel { kind: Some("WordPiece".into()), unk_token: unknown, ..plain }.build(rows)?,
                }
            }
            Self::Roberta => {
                let add_prefix_space = prefix_space.unwrap_or(false);
                Stages {
                    normalizer: Normalizer::NONE,
                    pre_tokenizer: PreTokenizer::ByteLevel(ByteLevel { add_prefix_space, use_regex: true }),
                    model: FileModel { kind: Some("BPE".into()), merges, ..plain }.build(rows)?,
                }
            }
            Self::XlmRoberta | Self::Camembert => {
                let place = |token: &str| plain.vocab.as_ref()?.tokens.find(token);
                let unk_id = match self {
                    Self::XlmRoberta => 3,
                    _ => unknown.as_deref().and_then(place).unwrap_or(0),
                };
                Stages {
                    normalizer: map.map_or(Normalizer::NONE, Normalizer::Precompiled),
                    pre_tokenizer: split::xlm_roberta(prefix_space.unwrap_or(true)),
                    model: FileModel { kind: Some("Unigram".into()), unk_id: Some(unk_id), ..plain }.build(rows)?,
                }
            }
            Self::DebertaV2 => {
                let place = |token: &str| {
                    let FileVocabulary { tokens, scores } = plain.vocab.as_ref()?;
                    tokens.find(token).filter(|place| scores.as_ref().is_some_and(|scores| scores[*place] == 0.0))
                };
                let unk_id = unknown.as_deref().and_then(place).or(file_unk_id).or(settings.unk_id).unwrap_or(1);
                Stages {
                    normalizer: normalize::deberta_v2(settings.lowercase.unwrap_or(false)),
                    pre_tokenizer: split::deberta_v2(prefix_space.unwrap_or(true), settings.split_by_punct),
                    model: FileModel { kind: Some("Unigram".into()), unk_id: Some(unk_id), ..plain }.build(rows)?,
                }
            }
        })
    }

    /// The frame; `id` returns the id of a token.
    ///
    /// # Errors
    /// The errors of `id`.
    pub fn frame(self, settings: &Settings, id: impl Fn(&str) -> Result<u32>) -> Result<Frame> {
        let token = |name: &str| id(&settings.special(name).unwrap_or_default());
        let trim = |prefix_space| Some(Trim { prefix_space });
        Ok(match self {
            Self::Bert | Self::DebertaV2 => Frame::bert(token("cls_token")?, token("sep_token")?),
            Self::MpNet => Frame::roberta(token("cls_token")?, token("sep_token")?, trim(false)),
            Self::Roberta => {
                let trim = trim(settings.prefix_space.unwrap_or(false)).filter(|_| settings.trim_offsets);
                Frame::roberta(token("cls_token")?, token("sep_token")?, trim)
            }
            Self::XlmRoberta | Self::Camembert => Frame::roberta(token("bos_token")?, token("eos_token")?, None),
        })
    }
}

impl Settings {
    /// The content of a special token.
    pub fn special(&self, name: &str) -> Option<String> {
        let place = SPECIAL.iter().position(|other| *other == name)?;
        self.special.get(place).cloned().flatten()
    }
}
