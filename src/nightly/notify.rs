//! The message after a run. There is no text of a comment in it, and a webhook that does not
//! answer harms nothing.

use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};
use ureq::Agent;

use super::config::{NotifyConfig, NotifyFormat};
use super::history::{PastRun, RiskyReview};
use super::summary::NightlySummary;
use crate::model::LabelSet;
use crate::report::{Language, NumberFormat};

/// What WeCom takes of a markdown message, in bytes of UTF-8.
const MAX_MARKDOWN_BYTES: usize = 4096;

/// The first wait before another attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// What [`send`] gives for a message that got through.
pub(super) const SENT: &str = "sent";

/// What a message tells.
pub(super) struct Message<'a> {
    pub(super) summary: &'a NightlySummary,
    pub(super) labels: &'a LabelSet,
    pub(super) past: &'a [PastRun],
    pub(super) riskiest: &'a [RiskyReview],
    pub(super) link: Option<String>,
}

/// Sends the message and gives [`SENT`], or what went wrong. The webhook's address, which is a
/// secret, is not in it.
pub(super) fn send(config: &NotifyConfig, message: &Message<'_>) -> String {
    let url = match config.webhook() {
        Ok(url) => url,
        Err(error) => return error.to_string(),
    };
    let body = match config.format {
        NotifyFormat::Wecom => {
            let content = message.markdown(config.language);
            json!({"msgtype": "markdown", "markdown": {"content": content}})
        }
        NotifyFormat::Json => message.json(),
    };
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(config.timeout_seconds)))
        .http_status_as_error(false)
        .build()
        .into();
    let mut wait = FIRST_WAIT;
    let mut trouble = String::new();
    for attempt in 1..=config.attempts {
        match post(&agent, &url, &body) {
            Ok(()) => return SENT.to_owned(),
            Err(Failed { reason, again }) => {
                trouble = reason;
                if !again {
                    break;
                }
            }
        }
        if attempt < config.attempts {
            thread::sleep(wait);
            wait *= 2;
        }
    }
    trouble
}

struct Failed {
    reason: String,
    /// Whether another attempt may do better.
    again: bool,
}

fn post(agent: &Agent, url: &str, body: &Json) -> Result<(), Failed> {
    let sent = agent
        .post(url)
        .header("Content-Type", "application/json; charset=utf-8")
        .send(body.to_string().as_bytes());
    let mut answer = match sent {
        Ok(answer) => answer,
        // The error's own words may repeat the address.
        Err(ureq::Error::BadUri(_)) => {
            return Err(Failed { reason: "the webhook is no address".to_owned(), again: false });
        }
        Err(ureq::Error::Timeout(_)) => {
            return Err(Failed { reason: "the webhook does not answer".to_owned(), again: true });
        }
        Err(_) => {
            return Err(Failed { reason: "the webhook cannot be reached".to_owned(), again: true });
        }
    };
    let status = answer.status().as_u16();
    if !(200..300).contains(&status) {
        let again = status >= 500 || status == 429;
        return Err(Failed { reason: format!("the webhook answers with status {status}"), again });
    }
    // WeCom answers 200 and tells in the body whether it took the message.
    let told = answer.body_mut().with_config().limit(1 << 16).read_to_string().unwrap_or_default();
    let code = serde_json::from_str::<Json>(&told).ok().and_then(|told| told["errcode"].as_i64());
    match code {
        None | Some(0) => Ok(()),
        // Too many messages in a minute, or busy.
        Some(code) => {
            let again = code == 45009 || code == -1;
            Err(Failed { reason: format!("the webhook answers with errcode {code}"), again })
        }
    }
}

impl Message<'_> {
    /// The mean share of a label over the runs before.
    fn usual_share(&self, label: &str) -> Option<f64> {
        let shares: Vec<f64> = self.past.iter().filter_map(|run| run.share(label)).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }

    fn json(&self) -> Json {
        json!({
            "summary": self.summary,
            "usual_shares": self.labels.iter()
                .map(|label| (label.id.clone(), self.usual_share(&label.id).into()))
                .collect::<serde_json::Map<String, Json>>(),
            "riskiest": self.riskiest.iter().map(|review| &review.id).collect::<Vec<_>>(),
            "link": self.link,
        })
    }

    fn markdown(&self, language: Language) -> String {
        let summary = self.summary;
        let count = |number: u64| NumberFormat::Count.write(number as f64);
        let title = language.pick("贷后检查夜间分类", "Post-loan reviews");
        let mut text = format!("**{title} {}**\n", summary.date);
        text += &match language {
            Language::Chinese => {
                format!("> 读入 {} 笔，拒收 {} 笔\n", count(summary.read), count(summary.refused))
            }
            Language::English => {
                format!("> {} read, {} refused\n", count(summary.read), count(summary.refused))
            }
        };
        let gravest = self.labels.iter().filter_map(|label| label.severity).max();
        for label in self.labels.iter() {
            let number = summary.count(&label.id);
            let name = language.pick(&label.name, &label.id);
            let percent = |share| NumberFormat::Percent(1).write(share);
            let share = number as f64 / summary.classified.max(1) as f64;
            let colour = if label.severity == gravest { "warning" } else { "comment" };
            text += &format!(
                "> {name} <font color=\"{colour}\">{}</font> {}",
                count(number),
                percent(share)
            );
            if let Some(usual) = self.usual_share(&label.id) {
                let change = 100.0 * (share - usual);
                let usually = language.pick("近期平均", "usually");
                text += &format!("（{usually} {}，{change:+.1}）", percent(usual));
            }
            text.push('\n');
        }
        if summary.needs_human > 0 {
            let words = language.pick("待人工复核", "for a person to look at");
            text += &format!("> {words} {}\n", count(summary.needs_human));
        }
        let link = self
            .link
            .as_ref()
            .map(|link| format!("[{}]({link})\n", language.pick("查看报告", "Open the report")));
        let link = link.unwrap_or_default();
        let heading = language.pick("风险最高：", "Riskiest: ");
        for (place, review) in self.riskiest.iter().enumerate() {
            let before = if place == 0 { heading } else { language.pick("、", ", ") };
            // An id may hold what means something in markdown, or be long.
            let id: String = review
                .id
                .chars()
                .filter(|c| !c.is_control() && !"[]()<>*`#".contains(*c))
                .take(64)
                .collect();
            if text.len() + before.len() + id.len() + link.len() + 1 > MAX_MARKDOWN_BYTES {
                break;
            }
            text += before;
            text += &id;
        }
        if !self.riskiest.is_empty() {
            text.push('\n');
        }
        text + &link
    }
}
