//! The first page: the year's figures against its target, live.

use hutong_fhir::calendar::{china_day, civil};
use hutong_paper::{Chart, Html, Lang, Series, Shape, Text, Value, html_chart, moment};
use serde_json::json;

use crate::context::{Context, address};
use crate::layout::{badge, basis, page};
use crate::rows::{Against, excluded, meter, progress, sources};
use crate::view::{Dashboard, Month, Scope, ScopeFigures, Target};

pub(crate) fn dashboard(view: &Dashboard, context: &Context) -> Html {
    let title = context.t("基层检查、上级诊断", "Examined here, diagnosed there");
    page(context, title, |main| {
        main.node("div", &[("class", "page-head")], |head| {
            head.node("div", &[], |names| {
                names.leaf("p", &[("class", "kicker")], view.community.of(context.lang));
                names.leaf("h1", &[], title);
            });
            choices(head, view, context);
        });
        let events = address("/console/events", [("year", view.year.to_string().as_str()), ("scope", view.scope.code())]);
        let position = view.basis.journal_position.to_string();
        main.node("div", &[("id", "live"), ("data-events", &events), ("data-position", &position)], |live| {
            if view.sources.iter().all(|s| s.last_message_us.is_none()) {
                let text = context.t(
                    "尚未收到任何消息。各机构的接口接通后，数字会自动出现在这里，无需刷新。",
                    "No message has arrived yet. Figures appear here by themselves as soon as institutions are connected.",
                );
                live.leaf("p", &[("class", "card notice")], text);
            }
            live.node("div", &[("class", "hero")], |hero| {
                target(hero, view, context);
                for figures in &view.figures {
                    scope(hero, figures, view, context);
                }
            });
            live.node("div", &[("class", "grid")], |grid| {
                grid.node("div", &[("class", "column")], |column| {
                    trend(column, view, context);
                    progress(column, view, Against::Centre, context);
                    progress(column, view, Against::Institution, context);
                });
                grid.node("div", &[("class", "column")], |column| {
                    sources(column, view, context);
                    excluded(column, view, context);
                });
            });
            basis(live, &view.basis, Some(view.scope), context);
        });
        let said = [
            ("class", "footnote"),
            ("id", "stream"),
            ("role", "status"),
            ("data-on", context.t("实时更新中", "Live")),
            (
                "data-off",
                context.t(
                    "与网关的连接中断，正在重连；页面上的数字不是最新",
                    "Connection lost, trying again; the figures on this page are not current",
                ),
            ),
            ("hidden", ""),
        ];
        main.leaf("p", &said, "");
    })
}

/// What the page's script writes into the elements of these names (`data-live`).
pub(crate) fn live(view: &Dashboard, lang: Lang) -> serde_json::Value {
    let mut figures = serde_json::Map::new();
    for f in &view.figures {
        for (name, n) in [("cases", f.cases), ("persons", f.persons), ("today", f.cases_today)] {
            figures.insert(format!("{}.{name}", f.scope.code()), Value::Integer(n).shown(lang).into());
        }
    }
    if let Some((_, done, share)) = done(view) {
        figures.insert("target.done".to_owned(), Value::Integer(done).shown(lang).into());
        figures.insert("target.share".to_owned(), format!("{share:.1}%").into());
    }
    figures.insert("position".to_owned(), view.basis.journal_position.to_string().into());
    figures.insert("made".to_owned(), moment(view.basis.made_at_us).into());
    json!({ "position": view.basis.journal_position, "figures": figures })
}

fn choices(head: &mut Html, view: &Dashboard, context: &Context) {
    head.node("div", &[("class", "choices")], |choices| {
        choices.node("nav", &[("class", "segments"), ("aria-label", context.t("统计口径", "Scope"))], |nav| {
            for scope in [Scope::Img5, Scope::All4] {
                choice(nav, &context.with("scope", scope.code()), scope == view.scope, scope.code(), scope.text().of(context.lang));
            }
        });
        choices.node("nav", &[("class", "segments"), ("aria-label", context.t("年度", "Year"))], |nav| {
            for year in &view.years {
                let text = year.to_string();
                choice(nav, &context.with("year", &text), *year == view.year, &text, "");
            }
        });
    });
}

fn choice(nav: &mut Html, href: &str, chosen: bool, text: &str, title: &str) {
    let mut attributes = vec![("href", href)];
    if chosen {
        attributes.push(("aria-current", "true"));
    }
    if !title.is_empty() {
        attributes.push(("title", title));
    }
    nav.leaf("a", &attributes, text);
}

/// The target, how much of it is done, and its part in percent.
fn done(view: &Dashboard) -> Option<(&Target, i64, f64)> {
    let target = view.target.as_ref().filter(|t| t.value > 0)?;
    let figures = view.figures.iter().find(|f| f.scope == target.scope)?;
    let done = if target.of_persons { figures.persons } else { figures.cases };
    Some((target, done, done as f64 / target.value as f64 * 100.0))
}

/// The headline: the target, how much of it is done, and whether that is as much as the calendar asks.
fn target(hero: &mut Html, view: &Dashboard, context: &Context) {
    hero.node("section", &[("class", "card target"), ("aria-labelledby", "target")], |card| {
        let heading = format!("{}{}", view.year, context.t(" 年度目标", " target"));
        card.leaf("h2", &[("id", "target")], &heading);
        let Some((target, done, share)) = done(view) else {
            card.leaf("p", &[("class", "none")], context.t("尚未设定", "None set"));
            let text = context.t(
                "在网关配置的 [indicators] 中写明本县区划代码（area）或目标（targets）后，这里显示完成进度。",
                "Name the county (area) or its targets (targets) in [indicators] of the gateway's configuration to see the progress here.",
            );
            card.leaf("p", &[("class", "pace")], text);
            return;
        };
        card.node("p", &[("class", "huge")], |p| {
            p.leaf("span", &[("data-live", "target.share")], &format!("{share:.1}%"));
        });
        meter(card, share, Some(view.elapsed_percent));
        card.node("p", &[("class", "of")], |p| {
            p.leaf("strong", &[("data-live", "target.done")], &Value::Integer(done).shown(context.lang));
            p.text(&format!(" / {}", amount(target, context)));
            p.leaf("span", &[("class", "code")], target.scope.code());
        });
        card.node("p", &[("class", "pace")], |p| {
            let ahead = share - view.elapsed_percent;
            let (kind, word) = match ahead {
                _ if share >= 100.0 => ("good", context.t("已完成", "reached")),
                a if a >= 0.0 => ("good", context.t("快于时序", "ahead of the calendar")),
                a if a > -5.0 => ("warn", context.t("略慢于时序", "just behind the calendar")),
                _ => ("bad", context.t("慢于时序", "behind the calendar")),
            };
            badge(p, kind, word);
            p.text(&format!(" {} {:.1}%", context.t("时序进度", "calendar"), view.elapsed_percent));
        });
        if !target.from.is_empty() {
            card.leaf("p", &[("class", "pace")], &format!("{}{}", context.t("依据：", "Set by: "), target.from.of(context.lang)));
        }
    });
}

/// `16,000 人（1.6 万人）`: documents print targets in 万人.
fn amount(target: &Target, context: &Context) -> String {
    let unit = if target.of_persons { context.t("人", "persons") } else { context.t("人次", "cases") };
    let whole = Value::Integer(target.value).shown(context.lang);
    if context.lang == Lang::Zh && target.value >= 10_000 {
        let tens = format!("{:.4}", target.value as f64 / 10_000.0);
        return format!("{whole} {unit}（{} 万{unit}）", tens.trim_end_matches('0').trim_end_matches('.'));
    }
    format!("{whole} {unit}")
}

fn scope(hero: &mut Html, figures: &ScopeFigures, view: &Dashboard, context: &Context) {
    let code = figures.scope.code();
    let class = if figures.scope == view.scope { "card scope chosen" } else { "card scope" };
    hero.node("section", &[("class", class), ("aria-label", code)], |card| {
        card.node("h2", &[], |h| {
            h.leaf("span", &[("class", "code")], code);
            h.text(figures.scope.text().of(context.lang));
        });
        let shown = |n: i64| Value::Integer(n).shown(context.lang);
        card.node("dl", &[("class", "pair")], |list| {
            list.node("div", &[], |one| {
                one.leaf("dt", &[], context.t("人次", "cases"));
                one.node("dd", &[], |dd| {
                    let href = address("/console/cases", [("scope", code), ("period", view.year.to_string().as_str())]);
                    dd.leaf("a", &[("href", &href), ("data-live", &format!("{code}.cases"))], &shown(figures.cases));
                });
            });
            list.node("div", &[], |one| {
                one.leaf("dt", &[], context.t("人数", "persons"));
                one.leaf("dd", &[("data-live", &format!("{code}.persons"))], &shown(figures.persons));
            });
            if this_year(view) {
                list.node("div", &[], |one| {
                    one.leaf("dt", &[], context.t("今日人次", "cases today"));
                    one.leaf("dd", &[("data-live", &format!("{code}.today"))], &shown(figures.cases_today));
                });
            }
        });
    });
}

/// A year that is over has no today.
fn this_year(view: &Dashboard) -> bool {
    civil(china_day(view.basis.made_at_us)).0 == view.year
}

/// About as wide as a card on a common screen.
const CARD_WIDTH: f64 = 560.0;

fn trend(column: &mut Html, view: &Dashboard, context: &Context) {
    column.node("section", &[("class", "card")], |card| {
        if view.months.iter().all(|m| m.all4 == 0 && m.last_year.unwrap_or(0) == 0) {
            card.leaf("h2", &[("class", "card-title")], monthly(view).of(context.lang));
            card.leaf("p", &[("class", "empty")], context.t("本年度没有计入的病例。", "No case counts in this year."));
            return;
        }
        html_chart(card, &chart(view), CARD_WIDTH, context.lang);
        card.node("details", &[("id", "months")], |details| {
            details.leaf("summary", &[], context.t("各月数据与病例", "Figures and cases by month"));
            months(details, view, context);
        });
    });
}

fn monthly(view: &Dashboard) -> Text {
    let code = view.scope.code();
    Text::new(format!("各月 {code} 人次"), format!("{code} cases by month"))
}

fn months(html: &mut Html, view: &Dashboard, context: &Context) {
    html.node("table", &[("class", "plain")], |table| {
        let last = (view.year - 1).to_string();
        table.node("thead", &[], |head| {
            head.node("tr", &[], |tr| {
                tr.leaf("th", &[("scope", "col")], context.t("月份", "Month"));
                for name in ["IMG5", "ALL4"] {
                    tr.leaf("th", &[("scope", "col"), ("class", "right")], name);
                }
                let same = format!("{last} {} {}", context.t("年同月", "same month,"), view.scope.code());
                tr.leaf("th", &[("scope", "col"), ("class", "right")], &same);
            });
        });
        table.node("tbody", &[], |body| {
            for month in &view.months {
                let period = format!("{:04}-{:02}", view.year, month.month);
                body.node("tr", &[], |tr| {
                    tr.node("th", &[("scope", "row")], |th| {
                        let href = address("/console/cases", [("scope", view.scope.code()), ("period", period.as_str())]);
                        th.leaf("a", &[("href", &href)], name(month.month).of(context.lang));
                    });
                    let last = month.last_year.map_or(Value::Empty, Value::Integer);
                    for value in [Value::Integer(month.img5), Value::Integer(month.all4), last] {
                        tr.leaf("td", &[("class", "right")], &value.shown(context.lang));
                    }
                });
            }
        });
    });
}

fn name(month: u8) -> Text {
    Text::new(format!("{month}月"), MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default())
}

/// Always twelve months, so that the picture keeps its shape through the year; those to come stay empty.
fn chart(view: &Dashboard) -> Chart {
    let chosen = |m: &Month| if view.scope == Scope::Img5 { m.img5 } else { m.all4 };
    let of = |value: &dyn Fn(&Month) -> Option<i64>| -> Vec<Option<f64>> {
        let at = |month: u8| view.months.iter().find(|m| m.month == month).and_then(value).map(|n| n as f64);
        (1..=12).map(at).collect()
    };
    let year = |year: i64| Text::new(format!("{year} 年"), year.to_string());
    let mut series = vec![Series { name: year(view.year), values: of(&|m| Some(chosen(m))) }];
    let sum = |all: Vec<i64>| Value::Integer(all.into_iter().fold(0, i64::saturating_add)).shown(Lang::Zh);
    let total = sum(view.months.iter().map(chosen).collect());
    let count = view.months.len();
    let mut summary = Text::new(format!("1–{count} 月共 {total} 人次"), format!("{total} cases in {count} months"));
    if view.months.iter().any(|m| m.last_year.is_some()) {
        let (last, before) = (view.year - 1, sum(view.months.iter().filter_map(|m| m.last_year).collect()));
        series.push(Series { name: year(last), values: of(&|m| m.last_year) });
        summary = Text::new(
            format!("{}；{last} 年同月合计 {before} 人次", summary.zh),
            format!("{}; {before} in the same months of {last}", summary.en),
        );
    }
    let categories = (1..=12).map(name).collect();
    Chart { title: monthly(view), summary, unit: Text::default(), shape: Shape::Bars { categories, series } }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
