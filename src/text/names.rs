//! Names of persons, where the words around them say that they are names: behind a role
//! (借款人张三), before a title (王经理), in veiled forms (王某某, 李*), behind 老 or 小 (老王).
//!
//! A name that nothing announces is not found: 高峰 and 黄金 are names, too, and more often not.

use super::character_kinds::{Kinds, is_ideograph};
use super::identifiers::Replacement;
use super::name_words::{
    AFTER_TOTAL, AMBIGUOUS, CERTAIN_ROLES, DOUBLE_SURNAMES, ENDS, FOLLOWING, MAY_PRECEDE,
    MOSTLY_ENDS, NOT_AFTER_SOME, NOT_BEFORE_LITTLE, NOT_LITTLE, NUMERALS, ORDINARY, POLITE_TITLES,
    ROLES, SHOPS, SHORT_TITLES, SURNAMES, TITLES, VERBAL,
};
use super::segmenter::Segmenter;
use super::symbols::NAME;

/// Calls `put` with each character that plays a part in names, and the part.
pub(super) fn character_kinds(put: &mut impl FnMut(char, Kinds)) {
    let ambiguous = Kinds::SURNAME.and(Kinds::AMBIGUOUS);
    for (characters, kinds) in [
        (SURNAMES, Kinds::SURNAME),
        (AMBIGUOUS, ambiguous),
        (VERBAL, ambiguous.and(Kinds::VERBAL)),
        (ENDS, Kinds::END),
        (MOSTLY_ENDS, Kinds::MOSTLY_END),
        (SHORT_TITLES, Kinds::TITLE),
        (MAY_PRECEDE, Kinds::BEFORE),
    ] {
        characters.chars().for_each(|c| put(c, kinds));
    }
    let first = |word: &str| word.chars().next();
    let last = |word: &str| word.chars().next_back();
    DOUBLE_SURNAMES
        .iter()
        .filter_map(|name| first(name))
        .for_each(|c| put(c, Kinds::SURNAME.and(Kinds::DOUBLE)));
    TITLES.iter().filter_map(|title| first(title)).for_each(|c| put(c, Kinds::TITLE));
    ROLES.iter().filter_map(|role| last(role)).for_each(|c| put(c, Kinds::ROLE));
}

/// The name that begins at `start`, where a surname may begin. `last` is what was found before.
pub(super) fn read(
    text: &str,
    start: usize,
    last: Option<&Replacement>,
    segmenter: &Segmenter,
) -> Option<Replacement> {
    let rest = &text[start..];
    let first = rest.chars().next()?;
    let kinds = Kinds::of(first);
    let double =
        kinds.has(Kinds::DOUBLE) && DOUBLE_SURNAMES.iter().any(|surname| rest.starts_with(surname));
    if !double && !is_single_surname(first, kinds) {
        return None;
    }
    let candidate = Candidate {
        before: &text[..start],
        rest,
        surname: if double { 2 * first.len_utf8() } else { first.len_utf8() },
        ambiguous: !double && kinds.has(Kinds::AMBIGUOUS),
        verbal: !double && kinds.has(Kinds::VERBAL),
        follows_name: last.is_some_and(|last| {
            last.symbol == NAME && matches!(&text[last.end..start], "、" | "和" | "与" | "及" | ",")
        }),
        segmenter,
    };
    let length = candidate
        .veiled()
        .or_else(|| candidate.before_title())
        .or_else(|| candidate.behind_role())
        .or_else(|| candidate.behind_little())?;
    Some(Replacement { start, end: start + length, symbol: NAME })
}

/// Whether `c` is a surname by itself. Of the first of double surnames, few are.
fn is_single_surname(c: char, kinds: Kinds) -> bool {
    !kinds.has(Kinds::DOUBLE) || kinds.has(Kinds::AMBIGUOUS) || SURNAMES.contains(c)
}

/// A surname in its surroundings.
struct Candidate<'t> {
    before: &'t str,
    /// From the surname on.
    rest: &'t str,
    /// Bytes of the surname.
    surname: usize,
    ambiguous: bool,
    verbal: bool,
    /// Whether a name and a conjunction stand before it.
    follows_name: bool,
    segmenter: &'t Segmenter,
}

impl Candidate<'_> {
    fn after_surname(&self) -> &str {
        &self.rest[self.surname..]
    }

    /// 王某, 王某某, 王某明, 王*, 王××: bytes of the name.
    fn veiled(&self) -> Option<usize> {
        let after = self.after_surname();
        let mut chars = after.chars();
        let veil = chars.next()?;
        if !is_veil(veil) {
            let xx = after.strip_prefix("xx")?;
            let goes_on = xx.starts_with(|c: char| c.is_ascii_alphanumeric());
            return (!goes_on && self.starts_after_boundary()).then_some(self.surname + 2);
        }
        if self.ends_a_word() || self.ambiguous && !self.starts_after_boundary() {
            return None;
        }
        let mut length = self.surname + veil.len_utf8();
        let second = chars.next();
        if second.is_some_and(is_veil) {
            length += second.map_or(0, char::len_utf8);
        } else if second.is_some_and(|c| may_be_given(c) && !is_mostly_end(c)) {
            // 王某明: the name's end is known by what comes then.
            let given = second.map_or(0, char::len_utf8);
            let rest = &self.rest[length + given..];
            if !rest.starts_with(is_ideograph) || starts_with_following(rest) {
                length += given;
            }
        }
        let some_thing = self.ambiguous
            && NOT_AFTER_SOME.iter().any(|word| self.rest[length..].starts_with(word));
        (!some_thing).then_some(length)
    }

    /// 王先生, 张总, 王小明经理: bytes of the name without the title.
    fn before_title(&self) -> Option<usize> {
        let mut length = self.surname;
        let mut one = length;
        let mut given = self.after_surname().chars();
        for count in 0..=2 {
            let after = &self.rest[length..];
            let next = given.next()?;
            if Kinds::of(next).has(Kinds::TITLE) {
                let titled = if count == 0 {
                    (starts_with_title(after) || self.starts_short_title(after))
                        && !self.ends_a_word()
                        && (!self.ambiguous || self.starts_after_boundary())
                } else {
                    let polite = POLITE_TITLES.iter().any(|title| after.starts_with(title));
                    let announced = self.before.ends_with(is_ideograph);
                    starts_with_title(after)
                        && (!self.ambiguous || polite || announced)
                        && self.starts_after_boundary()
                        && !self.rest[..length].ends_with(|c| SHOPS.contains(c))
                        && !self.is_ordinary(one)
                        && (one == length || !self.is_ordinary(length))
                };
                if titled {
                    return Some(length);
                }
            }
            if !may_be_given(next) {
                return None;
            }
            length += next.len_utf8();
            if count == 0 {
                one = length;
            }
        }
        None
    }

    fn starts_short_title(&self, text: &str) -> bool {
        let mut chars = text.chars();
        let Some(title) = chars.next().filter(|c| SHORT_TITLES.contains(*c)) else {
            return false;
        };
        let next = chars.next();
        match title {
            '总' => !next.is_some_and(|next| AFTER_TOTAL.contains(next)),
            '董' => next != Some('事'),
            _ => true,
        }
    }

    /// 借款人张三, 客户:王小明: bytes of the name.
    fn behind_role(&self) -> Option<usize> {
        let before = self.before.trim_end_matches([':', ' ', '"', '“', '为', '是', '系']);
        let certain = CERTAIN_ROLES.iter().any(|role| before.ends_with(role));
        if !self.follows_name && !ends_with_role(before) {
            return None;
        }
        let announced = certain || self.follows_name || self.before.ends_with(':');
        if self.verbal && !announced {
            return None;
        }
        let mut chars = self.after_surname().chars();
        let first = chars.next().filter(|c| may_be_given(*c))?;
        let one = self.surname + first.len_utf8();
        let two = chars.next().filter(|c| may_be_given(*c)).map(|c| one + c.len_utf8());
        if !certain && self.is_ordinary(one) {
            return None;
        }
        let length = self.name_length(one, two)?;
        (certain || !self.is_ordinary(length)).then_some(length)
    }

    /// How long a name is of which `one` and `two` are the bytes with one and with two given
    /// characters.
    fn name_length(&self, one: usize, two: Option<usize>) -> Option<usize> {
        let rest = |length: usize| &self.rest[length..];
        if ends_here(rest(one)) && !rest(one).starts_with(is_mostly_end) {
            return Some(one);
        }
        let follows_one = starts_with_following(rest(one));
        let two = two.filter(|_| !follows_one);
        let Some(two) = two else {
            return (follows_one || ends_here(rest(one))).then_some(one);
        };
        let follows_two = starts_with_following(rest(two));
        if follows_two || ends_here(rest(two)) {
            return Some(two);
        }
        if rest(one).starts_with(is_mostly_end) {
            return Some(one);
        }
        // By the dictionary: the name ends where a word begins.
        if self.ambiguous {
            return None;
        }
        let begins_word = |length: usize| {
            let mut places = rest(length).char_indices().map(|(place, _)| place).skip(2);
            places.next().is_some_and(|end| self.segmenter.has_word(&rest(length)[..end]))
        };
        match (begins_word(two), begins_word(one)) {
            (true, _) => Some(two),
            (false, true) => Some(one),
            (false, false) => None,
        }
    }

    /// 老王, 小李: bytes of the surname. The 老 or 小 stays.
    fn behind_little(&self) -> Option<usize> {
        let before = self.before.strip_suffix(['老', '小', '阿'])?;
        if self.ambiguous || before.ends_with(|c| NOT_BEFORE_LITTLE.contains(c)) {
            return None;
        }
        let mut whole = String::from(&self.before[before.len()..]);
        whole.push_str(&self.rest[..self.surname]);
        if NOT_LITTLE.contains(&whole.as_str()) {
            return None;
        }
        let after = self.after_surname();
        if ends_here(after) || starts_with_following(after) {
            return Some(self.surname);
        }
        let next = after.chars().next()?.len_utf8();
        whole.push_str(&after[..next]);
        let ordinary = self.is_ordinary(self.surname + next) || self.segmenter.has_word(&whole);
        (!ordinary).then_some(self.surname)
    }

    /// Whether the first `length` bytes are a word, and not of a person.
    fn is_ordinary(&self, length: usize) -> bool {
        ORDINARY.iter().any(|word| self.rest.starts_with(word))
            || self.segmenter.is_ordinary_word(&self.rest[..length])
    }

    /// Whether the surname is the end of a word, as in 对方, 由于 and 园林.
    fn ends_a_word(&self) -> bool {
        if ends_with_role(self.before) {
            return false;
        }
        // 一张某银行的卡: 张 counts things, too.
        let counts = self.rest.starts_with(['张', '段', '项', '章'])
            && self.before.ends_with(|c: char| c.is_ascii_digit() || NUMERALS.contains(c));
        let mut surname = self.rest[..self.surname].chars();
        counts || surname.next().is_some_and(|c| ends_a_word(self.before, c, self.segmenter))
    }

    /// Whether the word before has ended for sure.
    fn starts_after_boundary(&self) -> bool {
        let Some(c) = self.before.chars().next_back() else {
            return true;
        };
        if !is_ideograph(c) {
            // 9万×3 is an amount.
            return !(self.ambiguous && c.is_ascii_digit());
        }
        self.follows_name
            || Kinds::of(c).has(Kinds::BEFORE.and(Kinds::END)) && !self.ends_a_word()
            || ends_with_role(self.before)
    }
}

/// Whether `c` and the character before it are a word.
fn ends_a_word(before: &str, c: char, segmenter: &Segmenter) -> bool {
    let Some(last) = before.chars().next_back().filter(|last| is_ideograph(*last)) else {
        return false;
    };
    segmenter.has_word(String::from_iter([last, c]).as_str())
}

fn is_veil(c: char) -> bool {
    matches!(c, '某' | '*' | '×' | '○' | '〇' | '□')
}

fn ends_with_role(before: &str) -> bool {
    before.chars().next_back().is_some_and(|c| Kinds::of(c).has(Kinds::ROLE))
        && ROLES.iter().any(|role| before.ends_with(role))
}

fn starts_with_following(text: &str) -> bool {
    FOLLOWING.iter().any(|word| text.starts_with(word))
}

fn may_be_given(c: char) -> bool {
    is_ideograph(c) && !Kinds::of(c).has(Kinds::END)
}

fn is_mostly_end(c: char) -> bool {
    Kinds::of(c).has(Kinds::MOSTLY_END)
}

/// Whether a name ends before `rest`.
fn ends_here(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| !may_be_given(c) || is_mostly_end(c))
}

fn starts_with_title(text: &str) -> bool {
    TITLES.iter().any(|title| {
        text.strip_prefix(title).is_some_and(|after| {
            // 校长 is no title in 高校长期.
            !(title.ends_with('长') && after.starts_with(['期', '年', '时']))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::privacy::tests::replaced;

    #[test]
    fn a_name_is_known_by_a_role_a_title_a_veil_or_by_old_and_little() {
        for (text, expected) in [
            ("客户王小明已失联", "客户⟨姓名⟩已失联"),
            ("借款人张三经营正常", "借款人⟨姓名⟩经营正常"),
            ("法人代表李四,男", "法人代表⟨姓名⟩,男"),
            ("法定代表人:欧阳锋。", "法定代表人:⟨姓名⟩。"),
            ("股东张三、李四各占50%", "股东⟨姓名⟩、⟨姓名⟩各占50%"),
            ("王某称", "⟨姓名⟩称"),
            ("与王某某通话", "与⟨姓名⟩通话"),
            ("欧阳某某名下", "⟨姓名⟩名下"),
            ("于某已失联", "⟨姓名⟩已失联"),
            ("张某强,李*", "⟨姓名⟩,⟨姓名⟩"),
            ("老王说", "老⟨姓名⟩说"),
            ("小李,", "小⟨姓名⟩,"),
            ("张总不接电话", "⟨姓名⟩总不接电话"),
            ("李经理", "⟨姓名⟩经理"),
            ("刘阿姨", "⟨姓名⟩阿姨"),
            ("与高先生", "与⟨姓名⟩先生"),
            ("王小明先生", "⟨姓名⟩先生"),
        ] {
            assert_eq!(replaced(text), expected);
        }
    }

    #[test]
    fn places_shops_and_ordinary_words_are_no_names() {
        for text in [
            "客户张家口项目",
            "王府井门店",
            "李宁专卖店",
            "高总价房源",
            "客户白天在店",
            "黄金首饰店",
            "客户安全意识",
            "钱款已到",
            "成都分店",
            "老板在店",
            "小区门口",
            "小店生意",
            "老客户多",
            "对方经理",
            "前任经理",
            "高校长期合作",
            "客户高度配合",
            "客户金额大,",
            "借款人常年在外",
            "借款人于2021年",
            "借款人曾书面申请",
            "上游某煤矿",
            "园林某公司",
            "路总归能找到",
            "付款方某公司",
            "9万×3个月",
            "对方律师",
            "种小麦",
            "老顾客都认",
            "向亲戚周转。",
            "借款人岳父名下",
            "陈醋坊老板爱念叨",
            "老赖,",
            "一张某银行的卡",
            "公司马上停产",
            "商管经理介绍",
            "马掌师傅干活",
            "借款人为高校教师",
            "工程总造价",
            "小周期波动",
            "于某公司任职",
            "项目总经理",
            "借款人高龄,",
            "客户周边邻居",
            "完成总额",
        ] {
            assert_eq!(replaced(text), text);
        }
    }
}
