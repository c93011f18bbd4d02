//! Laws that a careful reader obeys, in the manner of CheckList (Ribeiro, Wu, Guestrin and Singh,
//! "Beyond accuracy: behavioral testing of NLP models with CheckList", 2020): a comment is changed
//! in a way whose effect on its label is known.
//!
//! Nothing is tuned to them: they say what a model does, not what it was made for.

use postloan::model::{ClassifyError, Prediction, RiskClassifier};

use crate::cases::{CALM, DENIABLE, DENIALS, GRAVE, Labelled, NEUTRAL, SURNAMES, SYNONYMS, sample};

/// What a change may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing: text processing sees to it, and every probability stays to the last bit.
    Identical,
    /// Nothing, for a model that takes out what points at a person; the label stays with one of
    /// before that.
    IdenticalWithPrivacy,
    /// The label stays.
    SameLabel,
    /// The label does not become more severe.
    NotWorse,
    /// The label does not become less severe.
    NotBetter,
}

impl Expectation {
    pub fn words(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::IdenticalWithPrivacy => "identical (with privacy on)",
            Self::SameLabel => "same label",
            Self::NotWorse => "not more severe",
            Self::NotBetter => "not less severe",
        }
    }

    fn holds(self, classifier: &RiskClassifier, before: &Prediction, after: &Prediction) -> bool {
        let severity = |prediction: &Prediction| {
            classifier.labels().get(prediction.class).severity.unwrap_or_default()
        };
        match self {
            Self::Identical => before == after,
            Self::IdenticalWithPrivacy
                if classifier.manifest().training["text"]["privacy"] == true =>
            {
                before == after
            }
            Self::IdenticalWithPrivacy | Self::SameLabel => before.class == after.class,
            Self::NotWorse => severity(after) <= severity(before),
            Self::NotBetter => severity(after) >= severity(before),
        }
    }
}

/// A comment and the same one changed.
pub struct Case {
    pub before: String,
    pub after: String,
}

/// A law with the cases it is tried on.
pub struct Law {
    pub name: &'static str,
    pub expectation: Expectation,
    pub cases: Vec<Case>,
}

/// A case in which a law does not hold, with the labels given.
pub struct Violation<'a> {
    pub case: &'a Case,
    pub before: String,
    pub after: String,
}

impl Law {
    /// The cases in which the law does not hold.
    pub fn violations(
        &self,
        classifier: &RiskClassifier,
    ) -> Result<Vec<Violation<'_>>, ClassifyError> {
        let mut worker = classifier.worker();
        let mut found = Vec::new();
        for case in &self.cases {
            let before = worker.classify(&case.before)?;
            let after = worker.classify(&case.after)?;
            if !self.expectation.holds(classifier, &before, &after) {
                let name =
                    |prediction: &Prediction| classifier.labels().get(prediction.class).id.clone();
                found.push(Violation { case, before: name(&before), after: name(&after) });
            }
        }
        Ok(found)
    }
}

type Pairs = Vec<(String, String)>;

fn law(name: &'static str, expectation: Expectation, cases: Pairs) -> Law {
    // A change that changes nothing tries nothing.
    let cases = cases.into_iter().filter(|(before, after)| before != after);
    let cases = cases.map(|(before, after)| Case { before, after }).collect();
    Law { name, expectation, cases }
}

/// How many comments of the corpus a law is tried on.
const TRIED: usize = 60;

/// All laws.
pub fn laws(corpus: &[Labelled]) -> Vec<Law> {
    let mut laws = writing(corpus);
    laws.extend(persons(corpus));
    laws.extend(signs(corpus));
    laws.extend(quantities(corpus));
    laws.extend(style(corpus));
    laws
}

/// Comments that a change changes, each with the changed one.
fn changed(corpus: &[Labelled], change: impl Fn(&str) -> String) -> Pairs {
    let comments = sample(corpus, TRIED, |comment| change(&comment.text) != comment.text);
    comments.into_iter().map(|comment| (comment.text.clone(), change(&comment.text))).collect()
}

/// How a text is written down.
fn writing(corpus: &[Labelled]) -> Vec<Law> {
    use Expectation::{Identical, SameLabel};
    let full_width = |text: &str| -> String {
        let wide = |c: char| match c {
            '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
            ' ' => '\u{3000}',
            _ => c,
        };
        text.chars().map(wide).collect()
    };
    let with_breaks = |text: &str, line_break: &str| text.replace('。', &format!("。{line_break}"));
    let broken = |from: &'static str, to: &'static str| -> Pairs {
        let comments = sample(corpus, TRIED, |comment| comment.text.matches('。').count() > 1);
        let pair =
            |comment: &Labelled| (with_breaks(&comment.text, from), with_breaks(&comment.text, to));
        comments.into_iter().map(pair).collect()
    };
    let invisible = |text: &str| -> String {
        let after = |(place, c): (usize, char)| {
            let mark = if place % 5 == 2 { "\u{200b}" } else { "" };
            format!("{c}{mark}")
        };
        text.chars().enumerate().map(after).collect()
    };
    vec![
        law("half width → full width", Identical, changed(corpus, full_width)),
        law("line breaks of Unix → of Windows", Identical, broken("\n", "\r\n")),
        law("one line break → several, with blanks", Identical, broken("\n", " \n\n  ")),
        law("white space around", Identical, changed(corpus, |text| format!("\u{3000} {text} \n"))),
        law("invisible characters inside", Identical, changed(corpus, invisible)),
        law("upper case → lower case", Identical, changed(corpus, str::to_lowercase)),
        law("a line for each sentence", SameLabel, broken("", "\n")),
    ]
}

/// Who and what is named.
fn persons(corpus: &[Labelled]) -> Vec<Law> {
    use Expectation::{IdenticalWithPrivacy, SameLabel};
    let swapped_surname = |text: &str| -> String {
        let mut text = text.to_owned();
        for (position, surname) in SURNAMES.iter().enumerate() {
            let other = SURNAMES[(position + 3) % SURNAMES.len()];
            for title in ["某", "总", "先生", "女士", "老板"] {
                let name = format!("{surname}{title}");
                if text.contains(&name) {
                    return text.replace(&name, &format!("{other}{title}"));
                }
            }
        }
        text.clear();
        text
    };
    let surnames = |comment: &Labelled| !swapped_surname(&comment.text).is_empty();
    let in_corpus: Pairs = sample(corpus, TRIED, surnames)
        .into_iter()
        .map(|comment| (comment.text.clone(), swapped_surname(&comment.text)))
        .collect();
    let mut named = Vec::new();
    for comment in CALM {
        let with = |name: &str| format!("借款人{name}，{comment}");
        named.extend(
            SURNAMES
                .windows(2)
                .map(|pair| (with(&format!("{}某某", pair[0])), with(&format!("{}某某", pair[1])))),
        );
    }
    let inserted = |before: &str, after: &str| -> Pairs {
        let start = |with: &str, text: &str| format!("{with}，{text}");
        let comments = sample(corpus, TRIED, |_| true);
        let pair = |comment: &Labelled| (start(before, &comment.text), start(after, &comment.text));
        comments.into_iter().map(pair).collect()
    };
    vec![
        law("another surname (借款人张某某 → 李某某)", IdenticalWithPrivacy, named),
        law("another surname in comments of the corpus", SameLabel, in_corpus),
        law(
            "another id-card number",
            IdenticalWithPrivacy,
            inserted("身份证110101199003071233", "身份证440301197512054412"),
        ),
        law(
            "another phone number",
            IdenticalWithPrivacy,
            inserted("电话13800138000", "电话18612345678"),
        ),
        law("another plate number", IdenticalWithPrivacy, inserted("车牌京A12345", "车牌粤B6K88F")),
        law(
            "another account number",
            IdenticalWithPrivacy,
            inserted("账号6222020200012345678", "账号6217001180009876543"),
        ),
    ]
}

/// What is wrong, and whether it holds now.
fn signs(corpus: &[Labelled]) -> Vec<Law> {
    use Expectation::{NotBetter, NotWorse, SameLabel};
    let each =
        |forms: &[&str], signs: &[&str], make: &dyn Fn(&str, &str, &str) -> (String, String)| {
            let mut pairs = Vec::new();
            for (position, sign) in signs.iter().enumerate() {
                for (place, form) in forms.iter().enumerate() {
                    for shift in [0, 3, 5] {
                        let calm = CALM[(position + place + shift) % CALM.len()];
                        pairs.push(make(calm, sign, form));
                    }
                }
            }
            pairs
        };
    let said = |form: &str, sign: &str| form.replace("{}", sign);
    let beside = |calm: &str, sign: &str, form: &str| {
        (calm.to_owned(), format!("{calm}{}", said(form, sign)))
    };
    let appended = |label: &'static str, sentence: &'static str| -> Pairs {
        let comments = sample(corpus, TRIED, |comment| comment.label == label);
        comments
            .into_iter()
            .map(|comment| (comment.text.clone(), format!("{}{sentence}", ended(&comment.text))))
            .collect()
    };
    let resolved =
        ["前期{}，现已解决并恢复正常还款。", "此前{}，目前问题已处理完毕，还款恢复正常。"];
    let conditional =
        ["若{}，我行将及时采取保全措施。", "如{}，按合同约定提前收回贷款。", "一旦{}将启动预案。"];
    let third_party = ["同行业另一家企业{}，与本户无关联。", "据了解邻近商户{}，对本户没有影响。"];
    let quoted = ["合同约定：借款人出现{}情形的，贷款人有权提前收回贷款。"];
    let worse = |form: &'static str| {
        move |calm: &str, sign: &str, _: &str| {
            (calm.to_owned(), format!("{calm}{}", form.replace("{}", sign)))
        }
    };
    vec![
        law("a sign denied beside a calm text", NotWorse, each(&DENIALS, &DENIABLE, &beside)),
        law(
            "a denial appended to a risky comment",
            SameLabel,
            appended("risky", "未发现其他不利情况。"),
        ),
        law("a grave sign beside a calm text", NotBetter, each(&[""], &GRAVE, &worse("但{}。"))),
        law(
            "a grave sign appended to a comment to be watched",
            NotBetter,
            appended("watch", "另抵押房产已被法院查封。"),
        ),
        law(
            "a sign that holds → the same, resolved",
            NotWorse,
            each(&resolved, &GRAVE, &|calm, sign, form| {
                (format!("{calm}但{sign}。"), format!("{calm}{}", said(form, sign)))
            }),
        ),
        law("a conditional sign beside a calm text", NotWorse, each(&conditional, &GRAVE, &beside)),
        law(
            "a third party's sign beside a calm text",
            NotWorse,
            each(&third_party, &GRAVE, &beside),
        ),
        law("a quoted rule beside a calm text", NotWorse, each(&quoted, &DENIABLE, &beside)),
        law(
            "a soothing conclusion after a risky comment",
            NotBetter,
            appended("risky", "综上，总体风险可控。"),
        ),
    ]
}

/// How much and how long.
fn quantities(corpus: &[Labelled]) -> Vec<Law> {
    use Expectation::{NotBetter, SameLabel};
    let pairs = |form: &str, values: &[(&str, &str)]| -> Pairs {
        let mut pairs = Vec::new();
        for calm in CALM {
            let head = calm.split('，').next().unwrap_or(calm);
            for (before, after) in values {
                let with = |value: &str| format!("{head}，{}", form.replace("{}", value));
                pairs.push((with(before), with(after)));
            }
        }
        pairs
    };
    let days = |text: &str| -> String {
        for day in 2..=9 {
            for word in ["逾期", "欠息"] {
                let short = format!("{word}{day}天");
                if text.contains(&short) {
                    return text.replace(&short, &format!("{word}9{day}天"));
                }
            }
        }
        String::new()
    };
    let late = sample(corpus, TRIED, |comment| !days(&comment.text).is_empty());
    let late = late.into_iter().map(|comment| (comment.text.clone(), days(&comment.text)));
    vec![
        law(
            "逾期 3 天 → 93 天",
            NotBetter,
            pairs("本月逾期{}天。", &[("3", "93"), ("5", "120"), ("1", "31"), ("12", "75")]),
        ),
        law("the same in comments of the corpus", NotBetter, late.collect()),
        law(
            "欠 1 期 → 4 期",
            NotBetter,
            pairs("贷款已欠{}期未还。", &[("1", "4"), ("1", "6"), ("2", "5")]),
        ),
        law(
            "下降 5% → 60%",
            NotBetter,
            pairs("销售收入同比下降{}。", &[("5%", "60%"), ("8%", "45%"), ("3%", "80%")]),
        ),
        law(
            "days in digits → in Chinese numerals",
            SameLabel,
            pairs(
                "已逾期{}天。",
                &[("93", "九十三"), ("15", "十五"), ("120", "一百二十"), ("3", "三")],
            ),
        ),
        law(
            "20% → 两成",
            SameLabel,
            pairs(
                "销售收入下降{}。",
                &[("20%", "两成"), ("30%", "三成"), ("50%", "五成"), ("10%", "一成")],
            ),
        ),
        law(
            "months in digits → in Chinese numerals",
            SameLabel,
            pairs("利息拖欠{}个月。", &[("3", "三"), ("2", "两"), ("6", "六")]),
        ),
    ]
}

/// How things are put.
fn style(corpus: &[Labelled]) -> Vec<Law> {
    use Expectation::SameLabel;
    let mut boilerplate = Vec::new();
    for (position, comment) in sample(corpus, 2 * TRIED, |_| true).into_iter().enumerate() {
        let sentence = NEUTRAL[position % NEUTRAL.len()];
        let text = ended(&comment.text);
        let with = if position % 2 == 0 {
            format!("{text}{sentence}")
        } else {
            format!("{sentence}{text}")
        };
        boilerplate.push((comment.text.clone(), with));
    }
    let mut synonyms = Vec::new();
    for (phrase, other) in SYNONYMS {
        let comments = sample(corpus, TRIED / 4, |comment| comment.text.contains(phrase));
        let change =
            |comment: &Labelled| (comment.text.clone(), comment.text.replace(phrase, other));
        synonyms.extend(comments.into_iter().map(change));
    }
    let swapped_sentences = |text: &str| -> String {
        let mut sentences: Vec<&str> = text.split_inclusive('。').collect();
        let last = sentences.len().saturating_sub(1);
        if last >= 1 && text.ends_with('。') {
            sentences.swap(last - 1, last);
        }
        sentences.concat()
    };
    let without_end = |text: &str| text.trim_end_matches('。').to_owned();
    let spaced = |text: &str| -> String {
        let place = text.chars().count() / 2;
        let after =
            |(at, c): (usize, char)| if at == place { format!("{c} ") } else { c.to_string() };
        text.chars().enumerate().map(after).collect()
    };
    let doubled = |text: &str| text.replacen('，', "，，", 1);
    let slip = |text: &str| text.replacen("的", "得", 1);
    vec![
        law("a neutral sentence added", SameLabel, boilerplate),
        law("a routine phrase put otherwise", SameLabel, synonyms),
        law("the last two sentences swapped", SameLabel, changed(corpus, swapped_sentences)),
        law("no full stop at the end", SameLabel, changed(corpus, without_end)),
        law("a blank in the middle", SameLabel, changed(corpus, spaced)),
        law("a comma typed twice", SameLabel, changed(corpus, doubled)),
        law("的 typed as 得", SameLabel, changed(corpus, slip)),
    ]
}

/// `text` with a full stop at its end.
fn ended(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['。', '！', '？', '；']) {
        text.to_owned()
    } else {
        format!("{text}。")
    }
}
