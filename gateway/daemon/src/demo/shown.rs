//! What people read of the demo: each chapter when it is over, the figures, and where to look.

use serde_json::Value;

use super::clients;
use super::day::Day;
use super::play::{County, Done, pick};
use super::script::Chapter;
use super::{counting, recognition::FIGURES};
use crate::cli::lang::t;
use crate::cli::output;
use crate::runtime::Running;

/// A chapter's steps: what, who, what came of it; of a step that is not as told also what should have.
pub(super) fn chapter(chapter: &Chapter, done: &[Done]) {
    let on = output::colour(false);
    println!("{}", output::paint(t(chapter.zh, chapter.en), "1", on));
    // the same done by several is one line
    let of_one = |a: &Done, b: &Done| a.ok && b.ok && (a.what, &a.got) == (b.what, &b.got);
    let rows: Vec<Vec<String>> = done
        .chunk_by(of_one)
        .filter_map(|same| Some((same.first()?, same.len())))
        .map(|(d, several)| {
            let who = if several > 1 { format!("{several} {}", t("家机构", "institutions")) } else { d.who.clone() };
            let mark = if d.ok { output::paint("✓", "32", on) } else { output::paint("✗", "1;31", on) };
            let got = if d.ok { d.got.clone() } else { format!("{}  ≠ {}", d.got, d.expected) };
            vec![mark, d.what.to_owned(), who, got]
        })
        .collect();
    println!("{}", output::table(&["", t("事项", "what"), t("机构", "who"), t("结果", "came of it")], &rows));
}

/// The figures of recognition, in all and by institution.
pub(super) fn recognition(running: &Running, day: &Day, _: &[Done]) -> std::io::Result<()> {
    let all = clients::get(running.http, &day.tell(FIGURES))?;
    let by = clients::get(running.http, &day.tell(&format!("{FIGURES}&by=institution")))?;
    let names = [
        ("reminder-rate", t("提醒率", "reminded")),
        ("view-rate", t("查阅率", "viewed")),
        ("recognition-rate", t("互认率", "recognised")),
        ("repetition-rate", t("重复检查率", "repeated")),
        ("mark-rate", t("标识有效率", "marks verified")),
    ];
    let row = |title: String, row: &Value| {
        let figure = |name: &str, part: &str| pick(row, &format!("/figures/figure=recognition.{name}/{part}"));
        let share = |name: &str| match figure(name, "denominator").parse::<f64>() {
            Ok(of) if of > 0.0 => {
                let n = figure(name, "numerator");
                format!("{n}/{of} {:.0}%", n.parse::<f64>().unwrap_or(0.0) * 100.0 / of)
            }
            _ => "—".to_owned(),
        };
        let mut cells = vec![title];
        cells.extend(names.iter().map(|(name, _)| share(name)));
        cells.push(format!("{:.2}", figure("saved", "value").parse::<f64>().unwrap_or(0.0) / 100.0));
        cells
    };
    let mut rows: Vec<Vec<String>> = list(&by, "rows").map(|r| row(pick(r, "/institutionName"), r)).collect();
    rows.extend(list(&all, "rows").map(|r| row(t("全县", "the county").to_owned(), r)));
    let mut head = vec![t("互认统计", "figures")];
    head.extend(names.iter().map(|(_, title)| *title));
    head.push(t("节约（元）", "saved (yuan)"));
    println!("{}", output::table(&head, &rows));
    Ok(())
}

/// Cases and persons as they stood after each part of the chapter, and what was not counted.
pub(super) fn counting(running: &Running, day: &Day, done: &[Done]) -> std::io::Result<()> {
    let at: Vec<Vec<String>> = done
        .iter()
        .filter(|d| d.step.starts_with("counted-") && d.got.contains(" · "))
        .map(|d| std::iter::once(d.what.to_owned()).chain(d.got.split(" · ").map(str::to_owned)).collect())
        .collect();
    let head = [
        t("基层检查、上级诊断", "examined here, read above"),
        t("IMG5 人次", "IMG5 cases"),
        t("IMG5 人数", "IMG5 persons"),
        t("ALL4 人次", "ALL4 cases"),
        t("ALL4 人数", "ALL4 persons"),
    ];
    println!("{}", output::table(&head, &at));
    println!(
        "{}\n",
        t(
            "IMG5：影像、心电、超声、核医学、肌电、脑电；ALL4：另含检验、病理。",
            "IMG5: imaging, ECG, ultrasound, nuclear medicine, EMG, EEG; ALL4: with laboratory and pathology."
        )
    );
    let figure = clients::get(running.http, &day.tell(counting::FIGURES))?;
    let reasons = [
        ("test_data", t("测试数据（含洪峰 2000 条）", "tests (the flood of 2,000 among them)")),
        ("same_institution", t("本机构自己出报告", "read where examined")),
        ("exam_not_primary", t("在县级医院检查", "examined at a hospital")),
        ("void", t("已撤回", "withdrawn")),
    ];
    let rows: Vec<Vec<String>> = reasons
        .iter()
        .map(|(code, title)| vec![(*title).to_owned(), whole(&pick(&figure, &format!("/indicators/0/excluded/{code}")))])
        .collect();
    println!("{}", output::table(&[t("未计入的原因", "not counted, because"), t("报告", "reports")], &rows));
    let activity = clients::get(running.http, &day.tell(counting::ACTIVITY))?;
    let title = |c: &Value| c[t("title", "titleEn")].as_str().unwrap_or_default().to_owned();
    let told = list(&activity, "counters").filter(|c| !c["value"].is_null());
    let rows: Vec<Vec<String>> = told.map(|c| vec![title(c), c["value"].to_string()]).collect();
    println!(
        "{}",
        output::table(&[t("诊疗活动（由 ADT、处方消息计数）", "activity (from ADT and prescriptions)"), t("数", "count")], &rows)
    );
    Ok(())
}

/// A number as people write it.
fn whole(number: &str) -> String {
    number.parse::<i64>().map_or_else(|_| number.to_owned(), |n| hutong_paper::Value::Integer(n).shown(hutong_paper::Lang::Zh))
}

fn list<'v>(of: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// What became of all messages, the verdict, and where to look.
pub(super) fn summary(running: &Running, county: &County<'_>, day: &Day, steps: usize, failed: usize) {
    if let Ok(health) = clients::get(running.http, "/health") {
        let f = |name: &str| whole(&health["final"][name].to_string());
        let row = vec![
            whole(&health["received"].to_string()),
            whole(&health["journalled"].to_string()),
            whole(&health["answered"].to_string()),
            f("stored"),
            f("held"),
            f("rejected"),
            f("duplicate"),
        ];
        let header = [
            t("收到", "received"),
            t("入账", "journalled"),
            t("应答", "answered"),
            t("入库", "stored"),
            t("挂起", "held"),
            t("拒绝", "rejected"),
            t("重复", "duplicate"),
        ];
        println!("{}", output::table(&header, &[row]));
    }
    let on = output::colour(false);
    let verdict = if failed == 0 {
        output::paint(&format!("{steps} {}", t("项，全部符合。", "steps, all as they should be.")), "1;32", on)
    } else {
        output::paint(&format!("{steps} {} {failed} {}", t("项中", "steps,"), t("项不符！", "not as they should be!")), "1;31", on)
    };
    println!("{verdict}\n\n{}", t("去哪里看：", "Where to look:"));
    let base = running.http;
    if let Some(page) = county.kept("page") {
        println!("  {}\n    {page}", t("一条互认提醒的结果页（30 分钟内有效）", "the page of a reminder (for 30 minutes)"));
    }
    println!("  {}\n    http://{base}/console", t("指标总览（浏览器）", "the dashboard (in a browser)"));
    println!("  curl 'http://{base}/fhir/Observation?code=GLU&_pretty=true'");
    println!("  curl 'http://{base}/fhir/Patient?name=%E7%A7%A6%E6%9C%9B%E8%88%92&_pretty=true'");
    println!("  curl  http://{base}/health");
    println!("  hutong report recognition --period {} --by item --to http://{base}", day.period);
    println!("  hutong report quarterly --period {} --format html --out quarter.html --to http://{base}", day.quarter);
    println!("  hutong journal verify {}", running.data.display());
    println!("  hutong journal show {} --last 5", running.data.display());
}
