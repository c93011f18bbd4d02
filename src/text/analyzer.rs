//! A comment's terms, each with the bytes of the original it came from.

use std::ops::Range;

use super::alignment::Alignment;
use super::boundaries::{self, Boundary, Place, ends_sentence};
use super::character_kinds::{Kinds, is_ideograph};
use super::dictionary::StopWords;
use super::hypotheticals::{self, HypotheticalScope};
use super::identifiers::Replacement;
use super::marks::{self, Mark};
use super::negation::{self, NegationScope};
use super::normalization::NormalizedText;
use super::privacy;
use super::quantities::QuantityReading;
use super::rewriting::rewrite;
use super::segmenter::Segmenter;
use super::sentences::{SentenceEnd, find_sentences};
use super::settings::TextSettings;
use super::symbols::is_symbol;

/// Turns comments into terms. Immutable, and shared by all threads.
///
/// # Examples
///
/// ```
/// use postloan::text::*;
///
/// let dictionary = UserDictionary::banking()?;
/// let segmenter = Segmenter::new(&dictionary);
/// let analyzer = Analyzer::new(segmenter, StopWords::default(), TextSettings::FULL);
///
/// let comment = "未见失联、逾期等情况，欠息６２天。";
/// let analyzed = analyzer.analyzed(comment);
///
/// let words: Vec<_> = analyzed.words().map(readable).collect();
/// // The empty word is the end of a clause.
/// assert_eq!(
///     words,
///     ["未见", "¬失联", "¬逾期", "¬等", "¬情况", "", "欠息", "⟨61–90天⟩", ""]
/// );
/// assert_eq!(&comment[analyzed.word_source(7..8)], "６２天");
/// # Ok::<(), postloan::text::DictionaryError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Analyzer {
    segmenter: Segmenter,
    stop_words: StopWords,
    settings: TextSettings,
}

impl Analyzer {
    /// An analyzer that cuts by `segmenter` and leaves out `stop_words`.
    #[must_use]
    pub fn new(segmenter: Segmenter, stop_words: StopWords, settings: TextSettings) -> Self {
        Self { segmenter, stop_words, settings }
    }

    /// The segmenter it cuts by.
    #[must_use]
    pub fn segmenter(&self) -> &Segmenter {
        &self.segmenter
    }

    /// Which parts of text understanding are on.
    #[must_use]
    pub fn settings(&self) -> TextSettings {
        self.settings
    }

    /// The terms of one comment, in buffers of their own.
    #[must_use]
    pub fn analyzed(&self, comment: &str) -> AnalyzedText {
        let mut analyzed = AnalyzedText::default();
        self.analyze(comment, &mut analyzed);
        analyzed
    }

    /// Replaces the contents of `analyzed` by the terms of `comment`.
    ///
    /// A word has at least one letter, ideograph or digit in it, or stands for a quantity, and is
    /// no stop word.
    pub fn analyze(&self, comment: &str, analyzed: &mut AnalyzedText) {
        let AnalyzedText {
            normalized,
            private,
            rewritten,
            rewriting,
            marks,
            boundaries: places,
            words,
            forms,
            sentences,
        } = analyzed;
        normalized.assign(comment);
        let text = normalized.as_str();
        marks::find(text, privacy::BEGINNINGS.and(Kinds::QUANTITY), marks);
        private.clear();
        if self.settings.privacy {
            privacy::find(text, marks, &self.segmenter, private);
        }
        let reading = match (self.settings.quantities, self.settings.trends) {
            (false, _) => QuantityReading::Off,
            (true, false) => QuantityReading::Buckets,
            (true, true) => QuantityReading::Trends,
        };
        rewrite(text, marks, private, reading, rewritten, rewriting);
        let characters = marks::find(rewritten, boundaries::BOUNDARIES, marks);
        boundaries::find(rewritten, marks, self.settings.layout, places);
        let is_layout = |place: &&Place| place.boundary != Boundary::Stop;
        let mut layout = places.iter().filter(is_layout).peekable();
        words.clear();
        forms.clear();
        let mut denials = NegationScope::default();
        let mut suppositions = HypotheticalScope::default();
        self.segmenter.for_each_word(rewritten, |place| {
            let word = &rewritten[place.clone()];
            while let Some(Place { byte, boundary, .. }) =
                layout.next_if(|begins| begins.byte <= place.start)
            {
                denials.end_clause();
                if *boundary == Boundary::Sentence {
                    suppositions.end_sentence();
                }
                if !matches!(words.last(), None | Some(Word { form: Form::Break, .. })) {
                    words.push(Word { form: Form::Break, place: *byte..*byte });
                }
            }
            if !word.contains(is_meaningful) {
                if word.contains(ends_sentence) {
                    suppositions.end_sentence();
                }
                if self.settings.clauses && word.contains(ends_clause) {
                    denials.end_clause();
                    words.push(Word { form: Form::Break, place });
                }
                return;
            }
            let denied = self.settings.negation && denials.denies(word);
            let supposed = self.settings.hypotheticals && suppositions.supposes(word);
            if self.stop_words.contains(word) {
                return;
            }
            let form = if denied || supposed {
                let start = forms.len();
                forms.extend(denied.then_some(negation::MARK));
                forms.extend(supposed.then_some(hypotheticals::MARK));
                forms.push_str(word);
                Form::Marked(start..forms.len())
            } else {
                Form::AsItStands
            };
            words.push(Word { form, place });
        });
        let starts = words.iter().map(|word| (word.place.start, !matches!(word.form, Form::Break)));
        find_sentences(characters, starts, places, sentences);
    }
}

/// The character of a normal form that is no unit of n-grams, and across which none reaches.
const BREAK: char = '\n';

/// Whether `c` is a letter, ideograph, digit or symbol.
fn is_meaningful(c: char) -> bool {
    match c {
        // Nearly every character of a comment; the tables are slower.
        _ if is_ideograph(c) => true,
        '\0'..='\x7F' => c.is_ascii_alphanumeric(),
        '、' | '。' => false,
        _ => c.is_alphanumeric() || is_symbol(c),
    }
}

/// Whether `c` ends a clause. A full stop or comma inside a number is part of a word.
fn ends_clause(c: char) -> bool {
    matches!(c, ',' | '。' | ';' | '!' | '?' | '.' | ':' | '\n')
}

/// The terms of one comment, in order. Its buffers are reused from comment to comment.
#[derive(Debug, Default, Clone)]
pub struct AnalyzedText {
    normalized: NormalizedText,
    /// What points at a person.
    private: Vec<Replacement>,
    /// The normal form with symbols in the place of that and of quantities.
    rewritten: String,
    rewriting: Alignment,
    words: Vec<Word>,
    /// The forms of words that do not read as they stand, one after the other.
    forms: String,
    /// Characters that may matter, of the normal form and then of the rewritten text.
    marks: Vec<Mark>,
    /// Where sentences and clauses begin.
    boundaries: Vec<Place>,
    sentences: Vec<SentenceEnd>,
}

#[derive(Debug, Clone)]
struct Word {
    form: Form,
    /// Where it stands in the rewritten text.
    place: Range<usize>,
}

/// How a word reads.
#[derive(Debug, Clone)]
enum Form {
    AsItStands,
    /// As these bytes of `forms`.
    Marked(Range<usize>),
    /// Not at all: a clause ends here.
    Break,
}

impl AnalyzedText {
    /// The words, and an empty one where a clause ends.
    #[must_use]
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> {
        self.words.iter().map(|word| match &word.form {
            Form::AsItStands => &self.rewritten[word.place.clone()],
            Form::Marked(form) => &self.forms[form.clone()],
            Form::Break => "",
        })
    }

    /// The characters, symbols among them, and `None` in the place of a line break.
    pub fn characters_or_breaks(&self) -> impl Iterator<Item = Option<char>> {
        self.rewritten.chars().map(|c| (c != BREAK).then_some(c))
    }

    /// The characters, symbols among them, as strings of one each, and an empty one in the place
    /// of a line break.
    #[must_use]
    pub fn characters(&self) -> Units<'_> {
        Units { text: &self.rewritten }
    }

    /// Where its sentences end, in order. There is at least one once a comment was analysed.
    #[must_use]
    pub fn sentences(&self) -> &[SentenceEnd] {
        &self.sentences
    }

    /// Whether nothing visible was in the comment.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.normalized.as_str().is_empty()
    }

    /// The byte range in the original comment from the first to the last of the words whose
    /// positions are `words`. Empty if there is no such word.
    #[must_use]
    pub fn word_source(&self, words: Range<usize>) -> Range<usize> {
        match self.words.get(words).unwrap_or_default() {
            [] => 0..0,
            [first, .., last] => self.source(first.place.start..last.place.end),
            [only] => self.source(only.place.clone()),
        }
    }

    /// Where characters stand in the original comment.
    #[must_use]
    pub fn character_places(&self) -> CharacterPlaces<'_> {
        let mut starts: Vec<usize> =
            self.rewritten.char_indices().map(|(start, _)| start).collect();
        starts.push(self.rewritten.len());
        CharacterPlaces { analyzed: self, starts }
    }

    /// The bytes of the original that bytes of the rewritten text came from.
    fn source(&self, range: Range<usize>) -> Range<usize> {
        self.normalized.source_range(self.rewriting.source_range(range))
    }
}

/// Where the characters of an [`AnalyzedText`] stand in the original comment.
#[derive(Debug, Clone)]
pub struct CharacterPlaces<'a> {
    analyzed: &'a AnalyzedText,
    /// Where each character starts in the rewritten text, and its end.
    starts: Vec<usize>,
}

impl CharacterPlaces<'_> {
    /// The byte range in the original of the characters whose positions are `characters`. Empty
    /// if there are none such.
    #[must_use]
    pub fn source(&self, characters: Range<usize>) -> Range<usize> {
        match (self.starts.get(characters.start), self.starts.get(characters.end)) {
            (Some(&start), Some(&end)) => self.analyzed.source(start..end),
            _ => 0..0,
        }
    }
}

/// The characters of a text, as strings of one character each; an empty one for a line break.
#[derive(Debug, Clone)]
pub struct Units<'a> {
    text: &'a str,
}

impl<'a> Iterator for Units<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let length = self.text.chars().next()?.len_utf8();
        let (first, rest) = self.text.split_at(length);
        self.text = rest;
        Some(if first.starts_with(BREAK) { "" } else { first })
    }
}

#[cfg(test)]
mod tests {
    use super::super::dictionary::UserDictionary;
    use super::super::symbols::readable;
    use super::*;

    fn analyzer(stop_words: &str, settings: TextSettings) -> Analyzer {
        let dictionary = UserDictionary::parse("失联 9999\n").unwrap();
        let stop_words = StopWords::parse(stop_words).unwrap();
        Analyzer::new(Segmenter::new(&dictionary), stop_words, settings)
    }

    fn words(analyzer: &Analyzer, comment: &str) -> Vec<String> {
        let analyzed = analyzer.analyzed(comment);
        analyzed.words().map(|word| readable(word).into_owned()).collect()
    }

    #[test]
    fn punctuation_and_white_space_are_no_words() {
        let plain = analyzer("", TextSettings::PLAIN);
        assert_eq!(words(&plain, "  已 失联 ！！ 30%。"), ["已", "失联", "30%"]);
        assert!(words(&plain, "……！").is_empty());
    }

    #[test]
    fn stop_words_are_left_out() {
        assert_eq!(words(&analyzer("已\n", TextSettings::PLAIN), "已失联"), ["失联"]);
    }

    #[test]
    fn each_part_can_be_on_by_itself() {
        let comment = "无失联,欠息62天";
        for (settings, expected) in [
            (TextSettings::PLAIN, "无 失联 欠息 62 天"),
            (TextSettings { clauses: true, ..TextSettings::PLAIN }, "无 失联  欠息 62 天"),
            (TextSettings { quantities: true, ..TextSettings::PLAIN }, "无 失联 欠息 ⟨61–90天⟩"),
            (TextSettings { negation: true, ..TextSettings::PLAIN }, "无 ¬失联 ¬欠息 ¬62 ¬天"),
            (TextSettings { privacy: true, ..TextSettings::PLAIN }, "无 失联 欠息 62 天"),
            (TextSettings::FULL, "无 ¬失联  欠息 ⟨61–90天⟩"),
        ] {
            assert_eq!(words(&analyzer("", settings), comment).join(" "), expected);
        }
    }

    #[test]
    fn width_case_and_line_ends_do_not_change_the_words() {
        let analyzer = analyzer("", TextSettings::FULL);
        let plain = words(&analyzer, "已逾期120天,M3客户失联");
        assert_eq!(words(&analyzer, "\u{feff}已逾期１２０天，Ｍ３客户失联\r\n"), plain);
    }

    #[test]
    fn each_word_and_character_points_at_its_own_place_in_the_original() {
        let comment = "　客户　ＬＴＶ　㎡，\n已失\u{200b}联６２天";
        let analyzed = analyzer("", TextSettings::FULL).analyzed(comment);
        let words: Vec<&str> = (0..analyzed.words().len())
            .map(|position| &comment[analyzed.word_source(position..position + 1)])
            .collect();
        assert_eq!(words, ["客户", "ＬＴＶ", "㎡", "，", "\n", "已", "失\u{200b}联", "６２天"]);
        assert_eq!(&comment[analyzed.word_source(5..7)], "已失\u{200b}联");
        assert!(analyzed.word_source(8..9).is_empty());
        let characters: Vec<&str> = analyzed.characters().collect();
        let place = characters.iter().position(|&character| character == "联").unwrap();
        let places = analyzed.character_places();
        assert_eq!(&comment[places.source(place..place + 2)], "联６２天");
        assert!(places.source(99..100).is_empty());
        assert!(places.source(0..0).is_empty());
    }
}
