//! How the page of a reminder looks: Chinese first, English beside.

use http::StatusCode;
use hutong_enforce::recognition::desk::{Decision, Shown};
use hutong_enforce::recognition::record::{Choice, Context};
use hutong_paper::Html;

use super::standing_text;
use crate::recognition::result::{Person, Report, Row};
use crate::time;

/// Everything that stands on the page.
pub(super) struct View {
    pub(super) shown: Shown,
    pub(super) context: Context,
    /// The number of the order, as its people know it.
    pub(super) order: String,
    pub(super) standing: Option<Choice>,
    pub(super) report: Report,
    pub(super) person: Person,
    pub(super) reasons: Vec<(String, String, String, bool)>,
    /// What was just done.
    pub(super) done: Option<Done>,
    /// Why an answer was not taken.
    pub(super) wrong: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Done {
    Recognised,
    Refused,
    Revoked,
}

impl Done {
    pub(super) fn of(decision: &Decision) -> Option<Done> {
        match decision {
            Decision::View => None,
            Decision::Recognise => Some(Done::Recognised),
            Decision::Refuse { .. } => Some(Done::Refused),
            Decision::Revoke => Some(Done::Revoked),
        }
    }

    pub(super) fn named(name: &str) -> Option<Done> {
        [Done::Recognised, Done::Refused, Done::Revoked].into_iter().find(|d| d.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Done::Recognised => "recognised",
            Done::Refused => "refused",
            Done::Revoked => "revoked",
        }
    }
}

/// Why there is nothing to see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shut {
    Expired,
    Unknown,
    Unavailable,
}

impl Shut {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Shut::Expired => StatusCode::GONE,
            Shut::Unknown => StatusCode::NOT_FOUND,
            Shut::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn write(self) -> String {
        let (zh, en, what_zh, what_en) = match self {
            Shut::Expired => (
                "链接已过期",
                "This link has expired",
                "请回到医生工作站，重新打开互认提醒。",
                "Go back to the workstation and open the reminder again.",
            ),
            Shut::Unknown => (
                "没有可显示的结果",
                "There is nothing to show here",
                "链接不完整，或该提醒已不存在。请回到医生工作站重新打开。",
                "The link is not complete, or the reminder is gone. Open it again from the workstation.",
            ),
            Shut::Unavailable => (
                "暂时无法打开",
                "It cannot be opened now",
                "调阅须先留痕，而记录暂时写不进去。请稍后再试，或联系信息科。",
                "Looking at a result is put on record first, and that fails for now. Try again shortly, or tell the IT department.",
            ),
        };
        page(zh, |main| {
            main.node("article", &[("class", "paper look shut")], |article| {
                article.leaf("h1", &[], zh);
                article.leaf("p", &[("lang", "en"), ("class", "en")], en);
                article.leaf("p", &[], what_zh);
                article.leaf("p", &[("lang", "en"), ("class", "en")], what_en);
            });
        })
    }
}

fn page(title: &str, inner: impl FnOnce(&mut Html)) -> String {
    let mut out = Html::default();
    out.trusted("<!doctype html>\n");
    out.node("html", &[("lang", "zh-CN")], |html| {
        html.node("head", &[], |head| {
            head.open("meta", &[("charset", "utf-8")]);
            head.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.leaf("title", &[], title);
            // relative: a proxy may stand in front under another path
            head.open("link", &[("rel", "stylesheet"), ("href", "page.css")]);
        });
        html.node("body", &[], |body| body.node("main", &[], inner));
    });
    out.into_string()
}

impl View {
    pub(super) fn write(&self) -> String {
        page("检查检验结果互认", |main| {
            main.node("article", &[("class", "paper look")], |article| {
                self.head(article);
                self.notices(article);
                self.result(article);
                self.words(article);
                self.grounds(article);
                self.answer(article);
            });
        })
    }

    fn title(&self) -> &str {
        if self.report.title.is_empty() { &self.shown.item_name } else { &self.report.title }
    }

    fn head(&self, html: &mut Html) {
        html.node("header", &[("class", "look-head")], |head| {
            head.node("p", &[("class", "kind")], |p| {
                p.text("检查检验结果互认 · 既往结果 ");
                en(p, "Earlier result for mutual recognition");
            });
            head.leaf("h1", &[], self.title());
            head.node("p", &[("class", "person")], |p| {
                let age = self.person.age.map(|a| format!("{a} 岁")).unwrap_or_default();
                p.leaf("strong", &[], if self.person.name.is_empty() { "（姓名不详）" } else { &self.person.name });
                for text in [self.person.sex, &age] {
                    p.leaf("span", &[], text);
                }
            });
        });
    }

    fn notices(&self, html: &mut Html) {
        let mut say = |class: &str, zh: &str, english: &str| {
            html.node("p", &[("class", &format!("notice {class}")), ("role", "status")], |p| {
                p.text(zh);
                p.text(" ");
                en(p, english);
            });
        };
        for (zh, english) in &self.wrong {
            say("bad", zh, english);
        }
        if self.report.withdrawn {
            say("bad", "该结果已被出具机构作废或撤回，请勿采用。", "The institution has withdrawn this result: do not use it.");
        }
        if self.done == Some(Done::Revoked) {
            say("plain", "已撤销此前的答复，可重新选择。", "The answer was taken back; you may choose again.");
        }
        if let Some(choice) = self.standing {
            let (zh, english) = standing_text(choice);
            say("good", zh, english);
        }
    }

    fn result(&self, html: &mut Html) {
        if self.report.rows.is_empty() {
            if !self.shown.value.is_empty() {
                html.leaf("p", &[("class", "value")], &self.shown.value);
            }
            return;
        }
        html.node("div", &[("class", "scroll"), ("role", "region"), ("tabindex", "0"), ("aria-label", "结果 Results")], |scroll| {
            scroll.node("table", &[], |table| {
                table.node("thead", &[], |head| {
                    head.node("tr", &[], |tr| {
                        for (zh, english, class) in
                            [("项目", "Item", ""), ("结果", "Result", ""), ("参考区间", "Reference", ""), ("方法", "Method", "wide")]
                        {
                            tr.node("th", &[("scope", "col"), ("class", class)], |th| {
                                th.text(zh);
                                th.text(" ");
                                en(th, english);
                            });
                        }
                    });
                });
                table.node("tbody", &[], |body| self.report.rows.iter().for_each(|r| row(body, r)));
            });
        });
    }

    fn words(&self, html: &mut Html) {
        let mut part = |zh: &str, english: &str, text: &str| {
            if !text.is_empty() {
                html.node("h2", &[], |h2| {
                    h2.text(zh);
                    h2.text(" ");
                    en(h2, english);
                });
                html.leaf("p", &[("class", "words")], text);
            }
        };
        part("检查所见", "Findings", &self.report.findings);
        part("诊断意见（仅供参考，不在互认之列）", "Conclusion (not part of recognition)", &self.report.conclusion);
        if !self.report.images.is_empty() {
            html.node("p", &[("class", "images")], |p| {
                for (n, url) in self.report.images.iter().enumerate() {
                    let label = if n == 0 { "打开影像或原始报告 Open images".to_owned() } else { format!("影像 {}", n + 1) };
                    p.leaf("a", &[("class", "button"), ("href", url), ("target", "_blank"), ("rel", "noopener noreferrer")], &label);
                }
            });
        }
    }

    /// By what the result counts.
    fn grounds(&self, html: &mut Html) {
        let reminder = &self.shown.reminder;
        let rule = reminder.rule.as_ref().map(|r| format!("{}，版本 {}，第 {} 行", r.set, r.version, r.line)).unwrap_or_default();
        let until = self.shown.until_us.map(hutong_paper::moment).unwrap_or_default();
        let place = if self.shown.institution_name.is_empty() { &reminder.institution } else { &self.shown.institution_name };
        html.node("dl", &[("class", "grounds")], |list| {
            for (zh, english, text) in [
                ("出具机构", "Institution", place.as_str()),
                ("报告时间", "Reported", &local(&self.shown.reported)),
                ("报告编号", "Report number", &reminder.report_number),
                ("互认有效至", "Valid until", &until),
                ("互认标识", "Mark", reminder.mark.as_deref().unwrap_or_default()),
                ("质评证明", "Certificate", reminder.certificate.as_deref().unwrap_or_default()),
                ("互认规则", "Rule", &rule),
                ("对应申请", "Order", &self.order),
            ] {
                if !text.is_empty() {
                    list.node("div", &[], |pair| {
                        pair.node("dt", &[], |dt| {
                            dt.text(zh);
                            dt.text(" ");
                            en(dt, english);
                        });
                        pair.leaf("dd", &[], text);
                    });
                }
            }
        });
    }

    fn answer(&self, html: &mut Html) {
        // what is withdrawn is not recognised; an answer that stands can be taken back
        html.node("section", &[("class", "answer"), ("aria-label", "答复 Answer")], |section| {
            if self.standing.is_some() {
                form(section, "revoke", |form| {
                    self.doctor(form, "revoke-doctor");
                    button(form, "quiet", "撤销答复", "Take the answer back");
                });
                return;
            }
            if !self.report.withdrawn {
                form(section, "recognise", |form| {
                    self.doctor(form, "recognise-doctor");
                    button(form, "main", "互认此结果", "Recognise");
                    form.node("p", &[("class", "footnote")], |p| {
                        p.text("满足诊疗需要的，不再重复检查检验。 ");
                        en(p, "What serves the need is not examined again.");
                    });
                });
            }
            form(section, "refuse", |form| self.refusal(form));
        });
    }

    /// Who decides, where the question did not say it: no decision is nobody's.
    fn doctor(&self, form: &mut Html, id: &str) {
        if self.context.doctor.is_empty() {
            form.node("label", &[("for", id)], |label| {
                label.text("医师工号 ");
                en(label, "Your staff number");
            });
            form.open("input", &[("id", id), ("name", "doctor"), ("required", ""), ("maxlength", "64"), ("autocomplete", "off")]);
        }
    }

    fn refusal(&self, form: &mut Html) {
        self.doctor(form, "refuse-doctor");
        form.node("label", &[("for", "reason")], |label| {
            label.text("不互认的原因 ");
            en(label, "Reason for not recognising");
        });
        form.node("select", &[("id", "reason"), ("name", "reason"), ("required", "")], |select| {
            select.leaf("option", &[("value", "")], "请选择 Choose");
            for (code, zh, english, wants_diagnosis) in &self.reasons {
                let more = if *wants_diagnosis { "（须填诊断）" } else { "" };
                select.leaf("option", &[("value", code), ("title", english)], &format!("{code} {zh}{more}"));
            }
        });
        if self.reasons.iter().any(|r| r.3) {
            form.node("label", &[("for", "diagnosis")], |label| {
                label.text("诊断（原因注明“须填诊断”时必填） ");
                en(label, "Diagnosis, where the reason asks for it");
            });
            form.open("input", &[("id", "diagnosis"), ("name", "diagnosis"), ("maxlength", "200"), ("autocomplete", "off")]);
        }
        button(form, "quiet", "不互认", "Do not recognise");
    }
}

fn row(body: &mut Html, row: &Row) {
    let class = if row.own { "own" } else { "" };
    body.node("tr", &[("class", class)], |tr| {
        tr.node("th", &[("scope", "row")], |th| {
            th.text(&row.name);
            if row.own {
                th.text(" ");
                th.leaf("span", &[("class", "badge")], "可互认");
            }
        });
        tr.node("td", &[("class", if row.flag.is_empty() { "number" } else { "number off" })], |td| {
            td.text(&row.value);
            if !row.flag.is_empty() {
                td.text(" ");
                td.leaf("b", &[], &row.flag);
            }
            if !row.comment.is_empty() {
                td.leaf("small", &[], &row.comment);
            }
        });
        tr.leaf("td", &[("class", "number")], &row.reference);
        tr.leaf("td", &[("class", "wide")], &row.method);
    });
}

/// A form of one decision; it goes to the page's own address.
fn form(html: &mut Html, decision: &str, inner: impl FnOnce(&mut Html)) {
    html.node("form", &[("method", "post"), ("class", decision)], |form| {
        form.open("input", &[("type", "hidden"), ("name", "decision"), ("value", decision)]);
        inner(form);
    });
}

fn button(html: &mut Html, class: &str, zh: &str, english: &str) {
    html.node("button", &[("class", &format!("button {class}"))], |button| {
        button.text(zh);
        button.text(" ");
        en(button, english);
    });
}

fn en(html: &mut Html, text: &str) {
    html.leaf("span", &[("lang", "en"), ("class", "en")], text);
}

/// A time as FHIR writes it: in China's time where it names its zone, else as it stands.
fn local(text: &str) -> String {
    time::parse_instant(text).map_or_else(|| text.replace('T', " "), hutong_paper::moment)
}
