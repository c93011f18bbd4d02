//! What is denied: 未发现涉诉、逾期、失联等情况 names three risks and says that there is none.
//!
//! In the manner of NegEx (Chapman et al., 2001) and its Chinese descendants: a cue opens a
//! scope over the words behind it, which the clause's end, a turn such as 但, or a number of
//! words closes. Cues are whole words of the segmenter, so that 不动产 or 无人机 is none.

use super::first_characters::FirstCharacters;

/// What stands before a denied word.
pub(super) const MARK: char = '¬';

/// Cues that deny all that is listed behind them, to the end of the clause.
const LONG_CUES: [&str; 21] = [
    "未发现",
    "未见",
    "无",
    "并无",
    "均无",
    "暂无",
    "尚无",
    "毫无",
    "没有",
    "并没有",
    "均未",
    "从未",
    "从无",
    "从没",
    "未曾",
    "尚未",
    "并未",
    "不存在",
    "未出现",
    "未有",
    "未涉及",
];

/// Cues that deny the next few words.
const SHORT_CUES: [&str; 12] =
    ["不", "没", "未", "非", "勿", "别", "并非", "不是", "没能", "未能", "无法", "不会"];

/// Verbs that make a long cue of 未, 没 or 不 before them.
const FINDING: [&str; 9] = ["发现", "见", "出现", "存在", "涉及", "发生", "查到", "查见", "有"];

/// Words at which the denial ends.
const TURNS: [&str; 12] =
    ["但", "但是", "不过", "然而", "只是", "却", "除", "除了", "而是", "反而", "仅", "只"];

/// How many words a short cue denies.
const SHORT_SCOPE: usize = 3;

/// Most words are told by their first character to be neither cue nor turn.
const FIRST_CHARACTERS: FirstCharacters =
    FirstCharacters::NONE.with(&LONG_CUES).with(&SHORT_CUES).with(&TURNS);

/// Follows the words of a text and tells which of them are denied.
#[derive(Debug, Default)]
pub(super) struct NegationScope {
    /// How many more words are denied.
    remaining: usize,
    /// Whether the last word was a short cue.
    after_short_cue: bool,
}

impl NegationScope {
    /// A clause has ended.
    pub(super) fn end_clause(&mut self) {
        *self = Self::default();
    }

    /// Whether `word`, the next one of its clause, is denied. A cue itself is not.
    pub(super) fn denies(&mut self, word: &str) -> bool {
        let after_short_cue = std::mem::take(&mut self.after_short_cue);
        let may_be_cue = FIRST_CHARACTERS.may_begin(word);
        if may_be_cue && TURNS.contains(&word) {
            self.remaining = 0;
            return false;
        }
        let is_short_cue = may_be_cue && SHORT_CUES.contains(&word);
        if is_short_cue || may_be_cue && LONG_CUES.contains(&word) {
            // A cue right behind a cue, as in 并非没有, takes the denial back.
            self.remaining = match (after_short_cue, is_short_cue) {
                (true, _) => 0,
                (false, true) => self.remaining.max(SHORT_SCOPE),
                (false, false) => usize::MAX,
            };
            self.after_short_cue = is_short_cue && !after_short_cue;
            return false;
        }
        if after_short_cue && FINDING.contains(&word) {
            self.remaining = usize::MAX;
            return false;
        }
        let denied = self.remaining > 0;
        if denied && self.remaining != usize::MAX {
            self.remaining -= 1;
        }
        denied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words, those denied with the mark before them; `|` ends a clause.
    fn marked(words: &str) -> String {
        let mut scope = NegationScope::default();
        let mut marked = Vec::new();
        for word in words.split(' ') {
            if word == "|" {
                scope.end_clause();
            } else if scope.denies(word) {
                marked.push(format!("{MARK}{word}"));
            } else {
                marked.push(word.to_owned());
            }
        }
        marked.join(" ")
    }

    #[test]
    fn a_long_cue_denies_a_whole_enumeration_and_no_further_clause() {
        assert_eq!(marked("未发现 涉诉 逾期 等 | 已 失联"), "未发现 ¬涉诉 ¬逾期 ¬等 已 失联");
        assert_eq!(marked("未 发现 逾期"), "未 发现 ¬逾期");
    }

    #[test]
    fn a_short_cue_denies_the_next_words() {
        assert_eq!(marked("不 接 电话 已 数 月"), "不 ¬接 ¬电话 ¬已 数 月");
    }

    #[test]
    fn a_turn_ends_the_denial() {
        assert_eq!(marked("无 欠息 但 失联"), "无 ¬欠息 但 失联");
    }

    #[test]
    fn a_denial_of_a_denial_denies_nothing() {
        assert_eq!(marked("并非 没有 风险"), "并非 没有 风险");
    }

    #[test]
    fn a_word_that_only_begins_like_a_cue_is_none() {
        assert_eq!(marked("不动产 查封 无人机 公司"), "不动产 查封 无人机 公司");
    }
}
