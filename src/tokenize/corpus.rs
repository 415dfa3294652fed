//! Which tokens of a WordPiece vocabulary some texts use, and which of them a smaller vocabulary keeps.

use super::model::{Model, Piece, WordPiece};
use super::{Tokenizer, unsupported};
use crate::error::{Error, ErrorKind, Result};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use unicode_script::{Script, UnicodeScript};

/// Texts that have been read.
pub struct Corpus {
    tokenizer: Tokenizer,
    /// How many times each word comes, by its tokens.
    words: HashMap<Vec<u32>, usize>,
    scripts: HashSet<Script>,
}

/// A smaller vocabulary: its tokens' ids are their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The vocabulary's tokens.
    pub tokens: Vec<String>,
    /// The added tokens that no vocabulary has, whose ids follow.
    pub beyond: Vec<String>,
    /// For each id, that of the token in the vocabulary that was.
    pub rows: Vec<u32>,
    /// The texts' words.
    pub words: usize,
    /// Those of them that are cut into other tokens than before.
    pub changed_words: usize,
    /// The texts' tokens as they were.
    pub tokens_read: usize,
    /// Those of them that are gone.
    pub dropped_tokens: usize,
}

/// A token that may stay.
struct Entry<'a> {
    token: &'a str,
    id: u32,
    count: usize,
    /// It has a meaning of its own, and stays where its id allows it.
    special: bool,
    /// How late it is taken of those that no text uses.
    rank: u8,
}

impl Corpus {
    /// A corpus of no text yet.
    ///
    /// # Errors
    /// [`ErrorKind::TokenizerUnsupported`] where the tokenizer is none of WordPiece: only there each token
    /// stands for itself, so that one can go without another.
    pub fn new(tokenizer: Tokenizer) -> Result<Self> {
        match tokenizer.parts.made.model {
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
        // What no script has to itself is in every text: digits, punctuation, accents.
        Ok(Self { tokenizer, words: HashMap::new(), scripts: [Script::Common, Script::Inherited].into() })
    }

    /// Reads texts, each of any length.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    pub fn read<T: AsRef<str>>(&mut self, texts: &[T]) -> Result<()> {
        for text in texts {
            let text = text.as_ref();
            self.scripts.extend(text.chars().map(|c| c.script()));
            let ids = self.tokenizer.encode(text)?;
            let Self { tokenizer, words, .. } = self;
            let model = word_piece(tokenizer);
            let goes_on = |id: u32| {
                let token = model.tokens().token(id).unwrap_or_default();
                model.marks_continuations() && token.starts_with(model.prefix())
            };
            for word in ids.chunk_by(|_, next| goes_on(*next)) {
                match words.get_mut(word) {
                    Some(count) => *count += 1,
                    None => _ = words.insert(word.to_vec(), 1),
                }
            }
        }
        Ok(())
    }

    /// The vocabulary of `rows` tokens that serves these texts best: special and added tokens, all single
    /// characters of the scripts that they use, the tokens that these can't replace, and then those used
    /// most. A text in these scripts has no unknown token that it had not before, as far as its characters
    /// are tokens.
    ///
    /// Special and added tokens, and those of the ids `named`, keep their ids where these are below `rows`;
    /// all others are numbered by falling use. Where the texts use fewer, the first of the vocabulary that a
    /// text can have follow.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where no text was read, or where `rows` are more than there are tokens,
    /// or fewer than must stay.
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

    /// How many times the texts have each token that they have.
    fn counts(&self) -> HashMap<u32, usize> {
        let mut counts = HashMap::new();
        for (word, count) in &self.words {
            word.iter().for_each(|id| *counts.entry(*id).or_insert(0) += count);
        }
        counts
    }

    /// The vocabulary's tokens that must stay, and the others.
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

    /// Whether the word is cut into other tokens without the token: it is more than a character, and each of
    /// its characters is a token.
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

    /// Whether a text may have the token: the stages before leave it whole.
    fn is_reached(&self, token: &str) -> bool {
        let model = self.word_piece();
        let body = self.body(token);
        let ids = self.tokenizer.encode(body).unwrap_or_default();
        let spelled: String = ids.iter().map(|id| self.body(self.token(*id))).collect();
        let mut pieces: Vec<Piece> = Vec::new();
        model.cut(body, &mut pieces);
        !body.is_empty() && spelled == body && pieces.iter().map(|piece| piece.id).eq(ids)
    }

    /// A token without the mark that it continues a word.
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
    match &tokenizer.parts.made.model {
        Model::WordPiece(model) => model,
        Model::Bpe(_) | Model::Unigram(_) => unreachable!("a corpus takes no other"),
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
