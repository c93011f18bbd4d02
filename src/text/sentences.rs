//! Where sentences end.

use super::boundaries::{Boundary, Place};

/// A sentence of an analysed comment: where it ends, counted in its words and in its characters.
/// It begins where the one before ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentenceEnd {
    /// The position behind its last word.
    pub words: usize,
    /// The position behind its last character.
    pub characters: usize,
}

/// Replaces `sentences` by those of a text of so many `characters`. `words` gives, in order, where
/// each word starts and whether it is one at all, not the end of a clause: a stretch without words
/// is no sentence, and belongs to the one before. `places` tells where a sentence ends or begins.
///
/// There is always at least one sentence.
pub(super) fn find_sentences(
    characters: usize,
    words: impl ExactSizeIterator<Item = (usize, bool)>,
    places: &[Place],
    sentences: &mut Vec<SentenceEnd>,
) {
    sentences.clear();
    let mut words = words.enumerate().peekable();
    let (mut passed, mut has_word) = (0, false);
    for place in places.iter().filter(|place| place.boundary != Boundary::Clause) {
        let is_before = |word: &(usize, (usize, bool))| word.1.0 < place.byte;
        while let Some((position, (_, is_word))) = words.next_if(is_before) {
            passed = position + 1;
            has_word |= is_word;
        }
        let end = SentenceEnd { words: passed, characters: place.character };
        end_sentence(end, &mut has_word, sentences);
    }
    for (position, (_, is_word)) in words {
        passed = position + 1;
        has_word |= is_word;
    }
    end_sentence(SentenceEnd { words: passed, characters }, &mut has_word, sentences);
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
    use super::super::{boundaries, marks};
    use super::*;

    fn sentences(text: &str, words: &[(usize, bool)]) -> Vec<(usize, usize)> {
        let (mut marks, mut places, mut sentences) = (Vec::new(), Vec::new(), Vec::new());
        let characters = marks::find(text, boundaries::BOUNDARIES, &mut marks);
        boundaries::find(text, &marks, true, &mut places);
        find_sentences(characters, words.iter().copied(), &places, &mut sentences);
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
