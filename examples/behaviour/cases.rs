//! What the cases of the laws are made of.

use std::error::Error;
use std::fs;

/// A comment of the corpus with its label.
pub struct Labelled {
    pub text: String,
    pub label: String,
}

/// The project's synthetic corpus.
pub fn corpus(path: &str) -> Result<Vec<Labelled>, Box<dyn Error>> {
    let lines = fs::read_to_string(path)?;
    lines
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line)?;
            let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            Ok(Labelled { text: field("text"), label: field("label") })
        })
        .collect()
}

/// At most `count` comments that pass `wanted`, from all over the corpus, always the same.
pub fn sample(
    corpus: &[Labelled],
    count: usize,
    wanted: impl Fn(&Labelled) -> bool,
) -> Vec<&Labelled> {
    let wanted: Vec<&Labelled> = corpus.iter().filter(|comment| wanted(comment)).collect();
    let step = wanted.len().div_ceil(count).max(1);
    wanted.into_iter().step_by(step).collect()
}

/// Routine comments in which nothing is wrong.
pub const CALM: [&str; 8] = [
    "借款人经营正常，按月足额还款，抵押物状态良好。",
    "客户工作稳定，工资代发在我行，每月15日扣款成功。",
    "企业开工正常，近三个月流水平稳，资金用途合规。",
    "店铺正常营业，货架齐整，老板在店，利息按时结清。",
    "借款人在家务农，今年收成正常，存折余额足够下期利息。",
    "公司订单稳定，员工在岗，水电费按期缴纳，保证人配合检查。",
    "房屋自住，家庭收入稳定，账户每月留足月供。",
    "合作社运转正常，社员分红按期兑付，贷款用于购买化肥，单据齐全。",
];

/// Signs that a loan is risky, as clauses.
pub const GRAVE: [&str; 10] = [
    "借款人失联",
    "抵押房产已被法院查封",
    "企业已停产",
    "借款人被列为失信被执行人",
    "贷款资金被挪用炒股",
    "账户被司法冻结",
    "老板跑路",
    "本息已连续拖欠四个月",
    "公司申请破产",
    "借款人被刑事拘留",
];

/// The same signs as things that may be looked for and not found.
pub const DENIABLE: [&str; 10] = [
    "逾期",
    "欠息",
    "涉诉",
    "失联",
    "停产",
    "查封",
    "冻结",
    "挪用贷款资金",
    "对外担保风险",
    "民间借贷",
];

/// Ways to deny.
pub const DENIALS: [&str; 6] = [
    "未发现{}情况。",
    "未见{}。",
    "不存在{}。",
    "经查询无{}。",
    "未发现{}等不利情况。",
    "从未出现{}。",
];

/// Sentences that say nothing about the loan.
pub const NEUTRAL: [&str; 6] = [
    "本次检查资料已归档。",
    "现场照片已上传系统。",
    "检查人：客户经理两名。",
    "下次检查按制度安排。",
    "检查方式为现场走访。",
    "以上情况已登记台账。",
];

/// Routine phrases that mean the same.
pub const SYNONYMS: [(&str, &str); 12] = [
    ("按时还款", "按期还款"),
    ("按期还款", "按时还款"),
    ("按时", "按期"),
    ("经营正常", "正常经营"),
    ("未见异常", "无异常"),
    ("无异常", "未发现异常"),
    ("借款人", "客户"),
    ("上门", "实地走访"),
    ("我行", "本行"),
    ("老板", "负责人"),
    ("目前", "现在"),
    ("逾期", "超期未还"),
];

/// Surnames.
pub const SURNAMES: [&str; 10] = ["张", "王", "李", "赵", "陈", "刘", "杨", "黄", "周", "吴"];
