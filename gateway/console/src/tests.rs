//! Pages of a made-up county.

use std::sync::Arc;

use hutong_paper::Lang;

use crate::fake::County;
use crate::view::{Dashboard, DashboardAsk};
use crate::{Console, Context, Request, Site, Viewer, dashboard, rows};

fn get(path: &str, query: &[(&str, &str)]) -> (u16, String) {
    let reply = Site::new(Arc::new(County::default())).answer(request(path, query));
    assert!(reply.content_type.starts_with("text/html"), "{path}: {}", reply.content_type);
    (reply.status, String::from_utf8(reply.body).unwrap())
}

fn request<'a>(path: &'a str, query: &[(&str, &str)]) -> Request<'a> {
    Request {
        path,
        query: query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        cookies: "",
        accept_language: "",
        if_none_match: "",
        viewer: Some(Viewer::Local),
    }
}

#[test]
fn every_page_of_the_list_is_there_in_both_languages_and_names_itself() {
    for page in &crate::PAGES {
        for lang in ["zh", "en"] {
            let (status, html) = get(&page.href(), &[("lang", lang)]);
            assert_eq!(status, 200, "{}", page.href());
            assert_eq!(html.matches("<h1").count(), 1, "{}", page.href());
            let name = if lang == "zh" { page.zh } else { page.en };
            assert!(html.contains(&format!("aria-current=\"page\">{name}</a>")), "{}: the navigation says where one is", page.href());
            // what a strict policy of content would block
            assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick="));
            assert_eq!(html.matches("<script").count(), 1);
        }
    }
}

#[test]
fn figures_name_scope_definition_and_journal_position() {
    let (_, html) = get("/console", &[]);
    for part in ["IMG5", "ALL4", "人次", "人数", "hutong-remote-diagnosis 1.0.0", "日志位置", "data-live=\"IMG5.persons\"", "时序进度"]
    {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn no_page_shows_a_patients_name() {
    for path in ["/console/cases", "/console/cases/c1"] {
        let (status, html) = get(path, &[]);
        assert_eq!(status, 200);
        assert!(html.contains("田**"), "{path}");
        for secret in ["田景福", "522228196804121234"] {
            assert!(!html.contains(secret), "{path} shows {secret}");
        }
    }
}

#[test]
fn what_cannot_be_answered_is_said() {
    for (path, query, status) in [
        ("/console/nothing", vec![], 404),
        ("/console/cases/none", vec![], 404),
        ("/console/cases/c1/more", vec![], 404),
        ("/console", vec![("scope", "X")], 400),
        ("/console", vec![("year", "MMXXVI")], 400),
        ("/console/quarterly", vec![("period", "\"><script>")], 400),
        ("/console/quarterly", vec![("format", "exe")], 404),
    ] {
        let (got, html) = get(path, &query);
        assert_eq!(got, status, "{path} {query:?}");
        assert!(!html.contains("<script>"), "{path}");
    }
    let reply = Site::new(Arc::new(County::default())).answer(Request { viewer: None, ..request("/console", &[]) });
    assert_eq!(reply.status, 401);
    assert!(String::from_utf8(reply.body).unwrap().contains("name=\"token\""));
}

#[test]
fn files_of_the_console_are_kept_by_browsers() {
    let site = Site::new(Arc::new(County::default()));
    let href = crate::assets::CSS.href.clone();
    let reply = site.answer(request(&href, &[]));
    assert_eq!((reply.status, reply.content_type), (200, "text/css; charset=utf-8"));
    let etag = &reply.headers.iter().find(|(name, _)| *name == "etag").unwrap().1;
    let again = site.answer(Request { if_none_match: etag, ..request(&href, &[]) });
    assert_eq!((again.status, again.body.len()), (304, 0));
    // also for who is not signed in: the form wants its style
    assert_eq!(site.answer(Request { viewer: None, ..request(&href, &[]) }).status, 200);
}

#[test]
fn a_report_can_be_taken_as_a_file() {
    let site = Site::new(Arc::new(County::default()));
    let reply = site.answer(request("/console/quarterly", &[("format", "csv"), ("period", "2026Q3")]));
    assert_eq!(reply.status, 200);
    let disposition = &reply.headers.iter().find(|(name, _)| *name == "content-disposition").unwrap().1;
    assert_eq!(disposition, "attachment; filename=\"quarterly-2026Q3.csv\"");
    assert!(reply.body.starts_with("\u{feff}".as_bytes()));
}

fn context(lang: Lang) -> Context {
    Context { lang, theme: None, path: "/console".into(), query: Vec::new(), viewer: Some(Viewer::Local) }
}

#[test]
fn the_dashboard_says_what_is_not_there() {
    let mut view = County::default().dashboard(&Viewer::Local, &DashboardAsk::default()).unwrap();
    let page = |view: &Dashboard| dashboard::dashboard(view, &context(Lang::Zh)).as_str().to_owned();
    let said = ["尚未收到任何消息", "尚未设定", "本年度没有计入的病例", "没有未计入的病例", "尚未设定目标，条长按人次比较"];
    assert!(said.iter().all(|text| !page(&view).contains(text)));
    view.target = None;
    view.centres.iter_mut().for_each(|c| c.target = None);
    view.institutions.clear();
    view.months.iter_mut().for_each(|m| (m.img5, m.all4, m.last_year) = (0, 0, None));
    view.excluded.clear();
    view.sources.iter_mut().for_each(|s| s.last_message_us = None);
    let html = page(&view);
    for text in said {
        assert!(html.contains(text), "{text}");
    }
    // a year that is over has no today
    view.year = 2025;
    assert!(html.contains("今日人次") && !page(&view).contains("今日人次"));
}

#[test]
fn who_is_behind_the_calendar_and_who_is_silent_is_told() {
    let view = County::default().dashboard(&Viewer::Local, &DashboardAsk::default()).unwrap();
    let html = dashboard::dashboard(&view, &context(Lang::Zh)).as_str().to_owned();
    for text in [
        "竖线为时序进度 89.3%，5 个中有 2 个慢于时序。",
        "<strong data-live=\"target.done\">14,088</strong> / 16,000 人（1.6 万人）",
        "中断 1，延迟 1，尚无消息 1，正常 3",
        "/console/cases?scope=IMG5&amp;period=2026&amp;institution=SQWSY",
        "/console/cases?scope=IMG5&amp;period=2026-02\">2月</a>",
        "/console/cases?scope=IMG5&amp;period=2026&amp;excluded=sent-twice",
    ] {
        assert!(html.contains(text), "{text}");
    }
    // who needs somebody stands first
    let at = |name: &str| html.rfind(name).unwrap();
    assert!(at("青坪村卫生室</th>") < at("白鹤乡卫生院</th>") && at("白鹤乡卫生院</th>") < at("柳溪中心卫生院</th>"));
    for (seconds, zh, en) in [
        (0, "刚刚", "just now"),
        (59, "刚刚", "just now"),
        (60, "1 分钟前", "1 min ago"),
        (86_399, "23 小时前", "23 h ago"),
        (864_000, "10 天前", "10 d ago"),
    ] {
        assert_eq!((rows::ago(seconds, &context(Lang::Zh)).as_str(), rows::ago(seconds, &context(Lang::En)).as_str()), (zh, en));
    }
}
