//! Which tokens of a WordPiece vocabulary some texts use, and which of them a smaller vocabulary keeps.

use super::model::{Model, Piece, WordPiece};
use super::{Tokenizer, unsupported};
use crate::error::{Error, ErrorKind, Result};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use unicode_script::{Script, UnicodeScript};

/// The texts that have been read.
pub struct Corpus {
    tokenizer: Tokenizer,
    /// How often each word occurs, by its tokens.
    words: HashMap<Vec<u32>, usize>,
    scripts: HashSet<Script>,
}

/// A smaller vocabulary; a token's id is its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The vocabulary's tokens.
    pub tokens: Vec<String>,
    /// The added tokens outside the vocabulary, whose ids follow.
    pub beyond: Vec<String>,
    /// For each id, the token's id in the original vocabulary.
    pub rows: Vec<u32>,
    /// How many words the texts have.
    pub words: usize,
    /// How many of these are now split into other tokens.
    pub changed_words: usize,
    /// How many tokens the texts had before.
    pub tokens_read: usize,
    /// How many of these are dropped.
    pub dropped_tokens: usize,
}

/// A token that may be kept.
struct Entry<'a> {
    token: &'a str,
    id: u32,
    count: usize,
    /// It has a special meaning, and keeps its id if possible.
    special: bool,
    /// Its rank among the tokens that no text uses: lower ones are kept first.
    rank: u8,
}

impl Corpus {
    /// An empty corpus.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerUnsupported`] if the tokenizer's model is not WordPiece: only its tokens are
    /// independent of each other, so that one can be removed without another.
    pub fn new(tokenizer: Tokenizer) -> Result<Self> {
        match tokenizer.parts.stages.model {
            Model::WordPiece(_) => {}
            Model::Bpe(_) => {
                return Err(unsupported(
                    "has a BPE model, whose vocabulary can't be pruned: its tokens are merged from each other. Use a \
                     WordPiece model.",
                ));
            }
            Model::Unigram(_) => {
                return Err(unsupported(
                    "has a Unigram model, whose vocabulary can't be pruned: removing a token changes how other words \
                     are split. Use a WordPiece model.",
                ));
            }
        }
        // Characters without a script of their own are in every text: digits, punctuation, accents.
        Ok(Self { tokenizer, words: HashMap::new(), scripts: [Script::Common, Script::Inherited].into() })
    }

    /// Reads texts of any length.
    ///
    /// # Errors
    /// The errors of [`Tokenizer::encode`].
    pub fn read<T: AsRef<str>>(&mut self, texts: &[T]) -> Result<()> {
        for text in texts {
            let text = text.as_ref();
            self.scripts.extend(text.chars().map(|c| c.script()));
            let ids = self.tokenizer.encode(text)?;
            let Self { tokenizer, words, .. } = self;
            let model = word_piece(tokenizer);
            let continues_word = |id: u32| {
                let token = model.tokens().token(id).unwrap_or_default();
                model.marks_continuations() && token.starts_with(model.prefix())
            };
            for word in ids.chunk_by(|_, next| continues_word(*next)) {
                match words.get_mut(word) {
                    Some(count) => *count += 1,
                    None => _ = words.insert(word.to_vec(), 1),
                }
            }
        }
        Ok(())
    }

    /// The vocabulary of `rows` tokens that serves these texts best: special and added tokens, all single
    /// characters of the scripts that they use, the tokens that these can't replace, and then the most used
    /// ones. A text in these scripts gets no new unknown tokens, provided that its characters are tokens.
    ///
    /// Special and added tokens, and those with the ids `named`, keep their ids if these are below `rows`;
    /// all others are numbered by decreasing use. If the texts use fewer, the first tokens of the vocabulary
    /// that a text can contain follow.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if no text was read, or if `rows` is more than the number of tokens, or
    /// less than the number that must be kept.
    pub fn keep(&self, rows: usize, named: &[u32]) -> Result<Kept> {
        let counts = self.counts();
        if counts.is_empty() {
            return Err(refused("The texts have no tokens: pass texts of the kind that the model will read.".into()));
        }
        let beyond = &self.tokenizer.parts.added.beyond_vocabulary;
        let model = self.word_piece();
        let (mut kept, mut others) = self.entries(&counts, named);
        let all = kept.len() + others.len() + beyond.len();
        if rows > all {
            return Err(refused(format!("{rows} tokens can't be kept of {all}: keep fewer.")));
        }
        let least = kept.len() + beyond.len();
        let room = rows.checked_sub(least).ok_or_else(|| {
            let mut scripts: Vec<&str> = self.scripts.iter().map(|script| script.full_name()).collect();
            scripts.retain(|name| !["Common", "Inherited"].contains(name));
            crate::order::sort_by(&mut scripts, Ord::cmp);
            refused(format!(
                "{rows} tokens are too few: {least} are required for special and added tokens and the characters of \
                 the texts' scripts ({}). Keep at least as many, or leave out texts in other scripts.",
                scripts.join(", ")
            ))
        })?;
        crate::order::sort_by_key(&mut others, |e| (Reverse(e.count), e.rank, e.id));
        kept.extend(others.into_iter().take(room));

        let (mut fixed, mut free): (Vec<_>, Vec<_>) = kept.into_iter().partition(|e| e.special);
        crate::order::sort_by_key(&mut fixed, |e| e.id);
        let mut places: Vec<Option<Entry>> = (0..rows - beyond.len()).map(|_| None).collect();
        for entry in fixed {
            match places.get_mut(entry.id as usize) {
                Some(place @ None) => *place = Some(entry),
                _ => free.push(entry),
            }
        }
        crate::order::sort_by_key(&mut free, |e| (Reverse(e.count), e.id));
        let mut free = free.into_iter();
        places.iter_mut().filter(|place| place.is_none()).for_each(|place| *place = free.next());

        let (tokens, ids): (Vec<_>, Vec<_>) = places.iter().flatten().map(|e| (e.token.to_owned(), e.id)).unzip();
        let rows: Vec<u32> = ids.into_iter().chain((model.tokens().len() as u32..).take(beyond.len())).collect();
        let stays: HashSet<u32> = rows.iter().copied().collect();
        let dropped = |word: &[u32]| word.iter().filter(|id| !stays.contains(id)).count();
        let sum = |of: &dyn Fn(&[u32]) -> usize| self.words.iter().map(|(word, n)| n * of(word)).sum();
        Ok(Kept {
            tokens,
            beyond: beyond.clone(),
            rows,
            words: sum(&|_| 1),
            changed_words: sum(&|word| usize::from(dropped(word) > 0)),
            tokens_read: sum(&<[u32]>::len),
            dropped_tokens: sum(&dropped),
        })
    }

    /// How often each token occurs in the texts.
    fn counts(&self) -> HashMap<u32, usize> {
        let mut counts = HashMap::new();
        for (word, count) in &self.words {
            word.iter().for_each(|id| *counts.entry(*id).or_insert(0) += count);
        }
        counts
    }

    /// The vocabulary's tokens that must be kept, and the others.
    fn entries(&self, counts: &HashMap<u32, usize>, named: &[u32]) -> (Vec<Entry<'_>>, Vec<Entry<'_>>) {
        let model = self.word_piece();
        let tokens = model.tokens();
        let used = counts.keys().flat_map(|id| tokens.token(*id)).flat_map(|token| self.body(token).chars());
        let scripts: HashSet<Script> = self.scripts.iter().copied().chain(used.map(|c| c.script())).collect();
        let is_kept = |c: char| c.is_ascii() || scripts.contains(&c.script());
        let parts = &self.tokenizer.parts;
        let added: HashSet<&str> = parts.added.contents().collect();
        let named = named.iter().copied().chain([model.unknown()]);
        let special: HashSet<u32> = parts.frame.ids().chain(named).collect();
        let all = tokens.pairs().map(|(token, id)| {
            let count = counts.get(&id).copied().unwrap_or(0);
            let in_kept_scripts = self.body(token).chars().all(is_kept);
            let special = special.contains(&id) || added.contains(token);
            let stays = special || in_kept_scripts && !self.has_replacement(token);
            let rank = match count {
                0 if !self.is_reached(token) => 2,
                0 if !in_kept_scripts => 1,
                _ => 0,
            };
            (stays, Entry { token, id, count, special, rank })
        });
        let (kept, others): (Vec<_>, Vec<_>) = all.partition(|(stays, _)| *stays);
        let entries = |all: Vec<(bool, _)>| all.into_iter().map(|(_, entry)| entry).collect();
        (entries(kept), entries(others))
    }

    /// Whether other tokens can replace the token: it has more than one character, and each of them is a
    /// token.
    fn has_replacement(&self, token: &str) -> bool {
        let model = self.word_piece();
        let body = self.body(token);
        let starts = body.len() == token.len();
        let has = |(i, c): (usize, char)| {
            let prefix = if i == 0 && starts { "" } else { model.prefix() };
            model.tokens().id(&format!("{prefix}{c}")).is_some()
        };
        body.chars().nth(1).is_some() && body.chars().enumerate().all(has)
    }

    /// Whether a text can contain the token: the earlier stages leave it whole.
    fn is_reached(&self, token: &str) -> bool {
        let model = self.word_piece();
        let body = self.body(token);
        let ids = self.tokenizer.encode(body).unwrap_or_default();
        let spelled: String = ids.iter().map(|id| self.body(self.token(*id))).collect();
        let mut pieces: Vec<Piece> = Vec::new();
        model.cut(body, &mut pieces);
        !body.is_empty() && spelled == body && pieces.iter().map(|piece| piece.id).eq(ids)
    }

    /// A token without the prefix that marks a continuation.
    fn body<'a>(&self, token: &'a str) -> &'a str {
        token.strip_prefix(self.word_piece().prefix()).filter(|body| !body.is_empty()).unwrap_or(token)
    }

    fn token(&self, id: u32) -> &str {
        self.word_piece().tokens().token(id).unwrap_or_default()
    }

    fn word_piece(&self) -> &WordPiece {
        word_piece(&self.tokenizer)
    }
}

fn word_piece(tokenizer: &Tokenizer) -> &WordPiece {
    match &tokenizer.parts.stages.model {
        Model::WordPiece(model) => model,
        Model::Bpe(_) | Model::Unigram(_) => unreachable!("a corpus takes no other"),
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
