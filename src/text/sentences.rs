//! Where sentences end.

use super::layout::Begins;

/// A sentence of an analysed comment: where it ends, counted in its words and in its characters.
/// It begins where the one before ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentenceEnd {
    /// The position behind its last word.
    pub words: usize,
    /// The position behind its last character.
    pub characters: usize,
}

/// Whether `c`, in a normalised text, ends a sentence.
pub(super) fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | ';' | '!' | '?' | '\n')
}

/// Replaces `sentences` by those of `text`. `words` gives, in order, where each word starts and
/// whether it is one at all, not the end of a clause: a stretch without words is no sentence, and
/// belongs to the one before. `layout` tells where the layout begins one.
///
/// There is always at least one sentence.
pub(super) fn find_sentences(
    text: &str,
    words: impl ExactSizeIterator<Item = (usize, bool)>,
    layout: &[(usize, Begins)],
    sentences: &mut Vec<SentenceEnd>,
) {
    sentences.clear();
    let mut words = words.enumerate().peekable();
    let mut begins = LayoutSentences { layout };
    let (mut passed, mut has_word, mut characters) = (0, false, 0);
    for (byte, c) in text.char_indices() {
        characters += 1;
        let end = byte + c.len_utf8();
        if !ends_sentence(c) && !begins.any(end) {
            continue;
        }
        while let Some((position, (_, is_word))) = words.next_if(|(_, (start, _))| *start < end) {
            passed = position + 1;
            has_word |= is_word;
        }
        end_sentence(SentenceEnd { words: passed, characters }, &mut has_word, sentences);
    }
    for (position, (_, is_word)) in words {
        passed = position + 1;
        has_word |= is_word;
    }
    end_sentence(SentenceEnd { words: passed, characters }, &mut has_word, sentences);
}

/// The places at which the layout begins a sentence.
struct LayoutSentences<'l> {
    layout: &'l [(usize, Begins)],
}

impl LayoutSentences<'_> {
    /// Whether one begins at `place`. Places come in order.
    fn any(&mut self, place: usize) -> bool {
        while let [(at, begins), rest @ ..] = self.layout {
            if *at > place {
                return false;
            }
            self.layout = rest;
            if *at == place && *begins == Begins::Sentence {
                return true;
            }
        }
        false
    }
}

fn end_sentence(end: SentenceEnd, has_word: &mut bool, sentences: &mut Vec<SentenceEnd>) {
    match sentences.last_mut() {
        Some(last) if !*has_word => *last = end,
        _ => sentences.push(end),
    }
    *has_word = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str, words: &[(usize, bool)]) -> Vec<(usize, usize)> {
        let mut sentences = Vec::new();
        find_sentences(text, words.iter().copied(), &[], &mut sentences);
        sentences.iter().map(|end| (end.words, end.characters)).collect()
    }

    #[test]
    fn a_sentence_ends_at_its_stop_and_the_last_one_at_the_end() {
        let words = [(0, true), (2, false), (3, true), (4, false), (5, true)];
        assert_eq!(sentences("ab,c;d", &words), [(4, 5), (5, 6)]);
    }

    #[test]
    fn a_stretch_without_words_belongs_to_the_sentence_before() {
        assert_eq!(sentences("a!!?\n", &[(0, true), (1, false)]), [(2, 5)]);
        assert_eq!(sentences("a;;b;", &[(0, true), (3, true)]), [(1, 3), (2, 5)]);
    }

    #[test]
    fn a_text_without_words_is_one_sentence() {
        assert_eq!(sentences("!?", &[]), [(0, 2)]);
        assert_eq!(sentences("", &[]), [(0, 0)]);
    }
}
