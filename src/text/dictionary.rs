//! The words a bank adds to the segmenter, and the words it wants left out.

use rustc_hash::FxHashSet;
use thiserror::Error;

use super::normalization::NormalizedText;

/// The banking words that are shipped with the program, in jieba's format.
const BANKING_WORDS: &str = include_str!("../../data/user-dictionary.txt");

/// What is wrong with a user dictionary or a stop-word list.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DictionaryError {
    /// A line does not begin with a word and a frequency.
    #[error("line {line}: expected `word frequency [tag]`, found {fields} field(s)")]
    Fields {
        /// The line, from 1.
        line: usize,
        /// How many fields the line has.
        fields: usize,
    },
    /// The second field is not a positive whole number.
    #[error("line {line}: expected a frequency of 1 or more, found `{found}`")]
    Frequency {
        /// The line, from 1.
        line: usize,
        /// The field as it stands.
        found: String,
    },
    /// The word stands on an earlier line, too.
    #[error("line {line}: `{word}` stands on an earlier line, too")]
    Repeated {
        /// The line, from 1.
        line: usize,
        /// The word.
        word: String,
    },
    /// A word is empty once normalised, or has white space in it.
    #[error("line {line}: the word has nothing visible in it, or white space")]
    Word {
        /// The line, from 1.
        line: usize,
    },
}

/// One word of a [`UserDictionary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DictionaryWord {
    pub(super) word: String,
    pub(super) frequency: usize,
    pub(super) tag: Option<String>,
}

/// Words that the segmenter must know beyond its own dictionary.
///
/// The format is jieba's: one word a line, its frequency, and optionally a part-of-speech tag,
/// separated by spaces. Blank lines and lines that begin with `#` are passed over. Words are
/// brought into the normal form of comments, for that is what they are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDictionary {
    source: String,
    words: Vec<DictionaryWord>,
}

impl UserDictionary {
    /// Reads a dictionary.
    ///
    /// # Errors
    ///
    /// A line that is not `word frequency [tag]`, or a word that stands twice.
    pub fn parse(source: &str) -> Result<Self, DictionaryError> {
        let mut words = Vec::new();
        let mut seen = FxHashSet::default();
        for (line, text) in content_lines(source) {
            let fields: Vec<&str> = text.split_whitespace().collect();
            let (word, frequency, tag) = match fields[..] {
                [word, frequency] => (word, frequency, None),
                [word, frequency, tag] => (word, frequency, Some(tag.to_owned())),
                _ => {
                    return Err(DictionaryError::Fields { line, fields: fields.len() });
                }
            };
            let frequency = match frequency.parse() {
                Ok(number) if number > 0 => number,
                _ => {
                    return Err(DictionaryError::Frequency { line, found: frequency.to_owned() });
                }
            };
            let word = normal_word(word, line)?;
            if !seen.insert(word.clone()) {
                return Err(DictionaryError::Repeated { line, word });
            }
            words.push(DictionaryWord { word, frequency, tag });
        }
        Ok(Self { source: source.to_owned(), words })
    }

    /// The shipped dictionary of banking words.
    ///
    /// # Errors
    ///
    /// None in a released program: a test reads the shipped file.
    pub fn banking() -> Result<Self, DictionaryError> {
        Self::parse(BANKING_WORDS)
    }

    /// The text it was read from, to be kept with a model.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The words in normal form, in the order of the file.
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> {
        self.words.iter().map(|entry| entry.word.as_str())
    }

    pub(super) fn entries(&self) -> &[DictionaryWord] {
        &self.words
    }
}

/// Words that are left out before anything is counted. Empty by default.
///
/// The format is one word a line; blank lines and lines that begin with `#` are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopWords {
    source: String,
    words: FxHashSet<String>,
}

impl StopWords {
    /// Reads a stop-word list.
    ///
    /// # Errors
    ///
    /// A line with white space inside its word, or with nothing visible in it.
    pub fn parse(source: &str) -> Result<Self, DictionaryError> {
        let words = content_lines(source)
            .map(|(line, text)| normal_word(text.trim(), line))
            .collect::<Result<_, _>>()?;
        Ok(Self { source: source.to_owned(), words })
    }

    /// The text it was read from, to be kept with a model.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many distinct words it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether it holds no word.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether `word`, in normal form, is to be left out.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        !self.words.is_empty() && self.words.contains(word)
    }
}

/// The lines that hold a word, with their numbers from 1.
fn content_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source
        .trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .map(|(index, text)| (index + 1, text))
        .filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#'))
}

fn normal_word(word: &str, line: usize) -> Result<String, DictionaryError> {
    let mut normalized = NormalizedText::default();
    normalized.assign(word);
    let word = normalized.as_str();
    if word.is_empty() || word.contains(char::is_whitespace) {
        return Err(DictionaryError::Word { line });
    }
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_in_the_normal_form_of_comments() {
        let dictionary = UserDictionary::parse("# 流水\nＰＯＳ流水 50 n\n\n逾期 9\n").unwrap();
        assert_eq!(dictionary.words().collect::<Vec<_>>(), ["pos流水", "逾期"]);
    }

    #[test]
    fn a_line_without_a_frequency_is_named() {
        assert_eq!(
            UserDictionary::parse("逾期 9\n失联"),
            Err(DictionaryError::Fields { line: 2, fields: 1 })
        );
    }

    #[test]
    fn a_frequency_that_is_no_positive_number_is_named() {
        for found in ["0", "-3", "many"] {
            assert_eq!(
                UserDictionary::parse(&format!("逾期 {found}")),
                Err(DictionaryError::Frequency { line: 1, found: found.to_owned() })
            );
        }
    }

    #[test]
    fn a_word_that_stands_twice_is_named_however_it_is_written() {
        assert_eq!(
            UserDictionary::parse("M3 9\n# again\nｍ３ 9"),
            Err(DictionaryError::Repeated { line: 3, word: "m3".to_owned() })
        );
    }

    #[test]
    fn stop_words_are_compared_in_normal_form() {
        let stop_words = StopWords::parse("的\nＯＫ\n").unwrap();
        assert!(stop_words.contains("ok") && stop_words.contains("的"));
        assert!(!stop_words.contains("逾期"));
        assert_eq!(StopWords::parse("的 了"), Err(DictionaryError::Word { line: 1 }));
    }

    #[test]
    fn the_shipped_dictionary_holds_at_least_300_words() {
        assert!(UserDictionary::banking().unwrap().words().len() >= 300);
    }
}
