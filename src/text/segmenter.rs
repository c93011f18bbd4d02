//! Word segmentation by jieba.

use jieba_rs::{Jieba, TokenizeMode};
use sha2::{Digest, Sha256};

use super::dictionary::UserDictionary;

/// Sentences whose segmentation stands for the segmenter's behaviour: dictionary words, user
/// words, unknown names (left to the hidden Markov model), numbers and Latin letters.
const PROBE: [&str; 6] = [
    "借款人经营正常,还款来源稳定,未发现逾期、失联、涉诉等不利情况。",
    "截至8月11日已连续逾期62天,多次电话催收无人接听,疑似失联。",
    "抵押商铺被外地法院查封,申请人系民间借贷债权人,已列入被执行人名单并限高。",
    "前期欠息2.35万元已结清,pos流水同比下降23%,由分行办理无还本续贷。",
    "实控人欧阳某某名下的鼎晟五金加工厂已停产,厂房空置,机器被房东扣下抵租。",
    "月供3120元按时扣收,ltv 65%,按等额本息还款,五级分类为正常。",
];

/// Cuts a normalised text into words: jieba's dictionary, a user dictionary on top, and a hidden
/// Markov model for what is in neither.
#[derive(Debug, Clone)]
pub struct Segmenter {
    jieba: Jieba,
}

impl Segmenter {
    /// Loads jieba's dictionary (about 350,000 words) and the words of `user_dictionary`.
    ///
    /// This takes about a tenth of a second; a segmenter is made once and shared.
    #[must_use]
    pub fn new(user_dictionary: &UserDictionary) -> Self {
        let mut segmenter = Self::with_general_words();
        segmenter.add_words(user_dictionary);
        segmenter
    }

    /// Loads jieba's dictionary alone. The words of a user dictionary can be
    /// [added](Self::add_words) later, so that both can be read at the same time.
    #[must_use]
    pub fn with_general_words() -> Self {
        Self { jieba: Jieba::new() }
    }

    /// Adds the words of `user_dictionary`.
    pub fn add_words(&mut self, user_dictionary: &UserDictionary) {
        for entry in user_dictionary.entries() {
            self.jieba.add_word(&entry.word, Some(entry.frequency), entry.tag.as_deref());
        }
    }

    /// Calls `word` with the byte range in `text` of each word, in order. The ranges cover the
    /// text: punctuation and white space come as words of their own.
    pub fn for_each_word(&self, text: &str, mut word: impl FnMut(std::ops::Range<usize>)) {
        for token in self.jieba.tokenize(text, TokenizeMode::Default, true) {
            word(token.byte_start..token.byte_end);
        }
    }

    /// Whether `word` is in the dictionary.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.jieba.has_word(word)
    }

    /// Whether `word` is in the dictionary, and not as the name of a person.
    pub(super) fn is_ordinary_word(&self, word: &str) -> bool {
        self.jieba.has_word(word)
            && matches!(&self.jieba.tag(word, false)[..], [only] if !only.tag.starts_with("nr"))
    }

    /// The frequency at which jieba keeps `word` whole, given the dictionary so far.
    #[must_use]
    pub fn suggested_frequency(&self, word: &str) -> usize {
        self.jieba.suggest_freq(word)
    }

    /// A SHA-256 digest of how this segmenter cuts a few fixed sentences.
    ///
    /// A model keeps the fingerprint of the segmenter it was trained with: another version of
    /// jieba or of its dictionary would cut otherwise, and the model would go quietly wrong.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for sentence in PROBE {
            self.for_each_word(sentence, |range| {
                hash.update(&sentence[range]);
                hash.update([0]);
            });
            hash.update([1]);
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'t>(segmenter: &Segmenter, text: &'t str) -> Vec<&'t str> {
        let mut words = Vec::new();
        segmenter.for_each_word(text, |range| words.push(&text[range]));
        words
    }

    #[test]
    fn each_shipped_banking_word_is_kept_whole() {
        let dictionary = UserDictionary::banking().unwrap();
        let segmenter = Segmenter::new(&dictionary);
        let broken: Vec<_> =
            dictionary.words().filter(|word| cut(&segmenter, word) != [*word]).collect();
        assert!(broken.is_empty(), "cut in pieces: {broken:?}");
    }

    #[test]
    fn banking_words_are_kept_whole_inside_a_sentence() {
        let segmenter = Segmenter::new(&UserDictionary::banking().unwrap());
        let words = cut(&segmenter, "已被列为失信被执行人,办理无还本续贷,先息后本");
        for expected in ["失信被执行人", "无还本续贷", "先息后本"] {
            assert!(words.contains(&expected), "{expected} not in {words:?}");
        }
    }

    #[test]
    fn a_word_more_in_the_dictionary_changes_the_fingerprint_where_it_changes_a_cut() {
        let none = Segmenter::new(&UserDictionary::parse("").unwrap());
        let some = Segmenter::new(&UserDictionary::parse("无还本续贷 9999").unwrap());
        assert_eq!(none.fingerprint(), none.clone().fingerprint());
        assert_ne!(none.fingerprint(), some.fingerprint());
    }
}
