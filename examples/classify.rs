//! Classifies texts with a model from a folder, on the CPU and without a browser:
//!
//!     cargo run --release --example classify -- models/sentiment-en "A delight from start to finish."
//!
//! Prints a line for each text: the best label, its score, and the text, separated by tabs.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::{env, process};

use tabsense::backend::cpu::CpuBackend;
use tabsense::backend::now;
use tabsense::head;
use tabsense::text_model::{Loader, TextModel};

/// Reads a classifier's `config.json`, `tokenizer.json` and `model.safetensors`. The weights stream: the file is never
/// in memory as a whole.
fn load(folder: &Path) -> Result<TextModel<CpuBackend>, Box<dyn Error>> {
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let (config, tokenizer) = (read("config.json")?, read("tokenizer.json")?);
    let mut weights = File::open(folder.join("model.safetensors"))?;
    let length = usize::try_from(weights.metadata()?.len())?;
    let mut loader = Loader::new(CpuBackend::new(), &config, &tokenizer, "auto", Some(length))?;
    let mut chunk = vec![0; 1 << 18];
    loop {
        match weights.read(&mut chunk)? {
            0 => return Ok(loader.finish()?),
            count => loader.push(&chunk[..count])?,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [folder, texts @ ..] = args.as_slice() else {
        eprintln!("usage: classify FOLDER TEXT…");
        process::exit(2);
    };
    let model = load(Path::new(folder))?;
    let encodings = texts.iter().map(|text| model.encode(text, false)).collect::<Result<Vec<_>, _>>()?;
    let mut out = io::stdout().lock();
    for group in model.groups(&encodings) {
        // On the CPU the result is ready immediately, so `now` needs no executor.
        let scores = now(model.scores(&encodings[group.clone()]))?;
        for (scores, text) in scores.iter().zip(&texts[group]) {
            // A text without a word has no scores.
            if let [best] = head::best(scores, 1)[..] {
                writeln!(out, "{}\t{:.4}\t{text}", model.config().labels[best], scores[best])?;
            } else {
                writeln!(out, "\t\t{text}")?;
            }
        }
    }
    Ok(())
}
