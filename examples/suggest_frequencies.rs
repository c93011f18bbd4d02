//! Gives each word of standard input the frequency at which jieba keeps it whole:
//! `cargo run --release --example suggest_frequencies < words.txt > user-dictionary.txt`.
//!
//! This is how `data/user-dictionary.txt` got its frequencies, and how a bank makes its own.

use std::error::Error;
use std::io::{self, BufRead, Write};

use postloan::text::{Segmenter, UserDictionary};

/// Below this a word loses too easily against neighbours that overlap it.
const LOWEST: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let segmenter = Segmenter::new(&UserDictionary::parse("")?);
    let mut output = io::stdout().lock();
    for word in io::stdin().lock().lines() {
        let word = word?;
        let word = word.split_whitespace().next().unwrap_or_default();
        if !word.is_empty() && !word.starts_with('#') {
            let frequency = segmenter.suggested_frequency(&word.to_lowercase()).max(LOWEST);
            writeln!(output, "{word} {frequency}")?;
        }
    }
    Ok(())
}
