//! The daemon's own pages in a real browser, over messages that arrived by MLLP: one gateway, one browser, from the empty
//! county to its raw messages. Pictures are left in `target/tmp/console/daemon/`: look at them.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use hutong_tests::browser::Browser;
use hutong_tests::http::{Answer, request};
use serde_json::json;

use super::daemon::{ALL4, County, IMG5, PERSONS};
use super::forms::tool;
use super::{address, pictures};

/// What is on no page whole: a text that its own box cuts, a label that leaves its drawing or lies on another one.
const CUT: &str = r#"(() => {
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const style = getComputedStyle(e);
    if (['hidden', 'clip'].includes(style.overflowX) && style.clipPath === 'none' && e.scrollWidth > e.clientWidth + 1 && e.textContent.trim())
      found.push('cut: ' + e.outerHTML.slice(0, 120));
  }
  for (const svg of document.querySelectorAll('figure svg')) {
    if (!svg.checkVisibility()) continue;
    const box = svg.getBoundingClientRect();
    const all = [...svg.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
    all.forEach(([t, r], i) => {
      if (r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1) found.push('outside: ' + t.textContent);
      for (const [u, s] of all.slice(i + 1))
        if (r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 4 && s.top < r.bottom - 4) found.push('upon: ' + t.textContent + ' / ' + u.textContent);
    });
  }
  return found;
})()"#;

/// Everything that a keyboard should reach.
const CONTROLS: &str = "[...document.querySelectorAll('a[href], button, select, summary, input, [tabindex=\"0\"]')].filter(e => e.checkVisibility({ visibilityProperty: true }))";

/// No error, nothing blocked, nothing beside the screen, nothing cut.
pub(super) fn whole(browser: &mut Browser, seen: &str) {
    assert_eq!(browser.faults(), Vec::<String>::new(), "{seen}");
    let wide = browser.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert!(wide.as_i64().unwrap() <= 0, "{seen}: {wide} pixels stick out to the right");
    assert_eq!(browser.eval(CUT), json!([]), "{seen}");
}

#[test]
fn the_gateways_pages_are_whole_live_and_lead_down_to_the_messages() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    let mut browser = Browser::open();
    nothing_yet(&county, &mut browser);
    county.day();
    for (lang, width, height) in
        [("zh", 1366, 768), ("en", 1366, 768), ("zh", 1920, 1080), ("en", 1920, 1080), ("zh", 390, 844), ("en", 390, 844)]
    {
        look(&county, &mut browser, lang, (width, height));
    }
    browser.size(1366, 768);
    dark_and_printed(&county, &mut browser);
    the_keyboard_reaches_all(&county, &mut browser);
    figures_are_live(&mut county, &mut browser);
    down_to_the_message(&county, &mut browser);
    an_institution_sees_its_own(&county, &mut browser);
    every_link_leads_somewhere(&county);
    a_gateway_that_is_gone_is_told(&mut county, &mut browser);
}

/// Before the first message the pages say so.
fn nothing_yet(county: &County, browser: &mut Browser) {
    browser.media("light", "screen");
    for (lang, width) in [("zh", 1366), ("en", 390)] {
        browser.size(width, 844);
        for (name, path) in [
            ("overview", "/console"),
            ("cases", "/console/cases"),
            ("quarterly", "/console/quarterly"),
            ("recognition", "/console/recognition"),
        ] {
            browser.go(&county.url(&address(path, lang)));
            browser.picture(&pictures().join(format!("daemon/empty-{name}-{lang}-{width}.png")));
            whole(browser, &format!("empty {name} {lang}"));
            assert_eq!(browser.axe(), Vec::<String>::new(), "empty {name} {lang}");
        }
    }
    browser.go(&county.url("/console?lang=zh"));
    assert_eq!(browser.eval("document.querySelector('.notice').textContent.includes('尚未收到任何消息')"), true);
}

fn pages(county: &County) -> [(&'static str, String); 10] {
    let year = county.year();
    [
        ("overview", "/console?scope=ALL4".to_owned()),
        ("overview-img5", "/console?scope=IMG5".to_owned()),
        // a year with neither figures nor targets
        ("overview-before", format!("/console?year={}", year - 1)),
        ("cases", "/console/cases".to_owned()),
        ("cases-excluded", format!("/console/cases?scope=ALL4&period={year}&excluded=same_institution")),
        ("case", "/console/cases/0".to_owned()),
        ("work", "/console/work".to_owned()),
        ("recognition", "/console/recognition".to_owned()),
        ("quarterly", "/console/quarterly".to_owned()),
        ("not-found", "/console/nothing".to_owned()),
    ]
}

fn look(county: &County, browser: &mut Browser, lang: &str, (width, height): (u32, u32)) {
    browser.size(width, height);
    // the other scope and the other list are laid out like the first: one language is enough
    let once = |name: &str| lang == "zh" || !matches!(name, "overview-img5" | "cases-excluded");
    for (name, path) in pages(county).into_iter().filter(|(name, _)| once(name)) {
        browser.go(&county.url(&address(&path, lang)));
        if name == "case" {
            browser.eval("document.querySelectorAll('details').forEach(d => d.open = true)");
        }
        browser.picture(&pictures().join(format!("daemon/{name}-{lang}-{width}.png")));
        let seen = format!("{name} {lang} {width}");
        if name == "not-found" {
            // the browser itself calls an answer of 404 an error of the console
            continue;
        }
        whole(browser, &seen);
        // the judge's rules ask for names, roles and contrast: once on a screen, once on a phone
        if matches!((lang, width), ("zh", 1366) | ("en", 390)) {
            assert_eq!(browser.axe(), Vec::<String>::new(), "{seen}");
        }
    }
}

fn dark_and_printed(county: &County, browser: &mut Browser) {
    for (name, path) in pages(county).iter().filter(|(name, _)| matches!(*name, "overview" | "cases" | "case")) {
        browser.media("dark", "screen");
        browser.go(&county.url(&address(path, "zh")));
        browser.picture(&pictures().join(format!("daemon/{name}-dark.png")));
        whole(browser, name);
        assert_eq!(browser.axe(), Vec::<String>::new(), "{name} dark");
        browser.media("light", "print");
        let file = pictures().join(format!("daemon/{name}.pdf"));
        std::fs::write(&file, browser.paper()).unwrap();
        let said = tool("pdfinfo", &[file.to_str().unwrap()]);
        assert!(said.contains("(A4)"), "{said}");
        let sheets: u32 = said.lines().find_map(|l| l.strip_prefix("Pages:")).unwrap().trim().parse().unwrap();
        assert!(sheets <= 2, "{name} is printed on {sheets} sheets");
        // what is pressed on a screen is not printed
        let text = tool("pdftotext", &[file.to_str().unwrap(), "-"]);
        assert!(!text.contains("English") && !text.contains("季度通报") && text.contains("截至"), "{name}: {text}");
    }
    browser.media("light", "screen");
}

fn the_keyboard_reaches_all(county: &County, browser: &mut Browser) {
    for (name, path) in pages(county) {
        browser.go(&county.url(&address(&path, "zh")));
        let all = browser.eval(&format!("{CONTROLS}.length")).as_u64().unwrap();
        let mut reached = BTreeSet::new();
        for _ in 0..all {
            browser.key("Tab");
            let at = browser.eval(&format!(
                "(() => {{ const e = document.activeElement, s = getComputedStyle(e); return [{CONTROLS}.indexOf(e), s.outlineStyle, parseFloat(s.outlineWidth), e.outerHTML.slice(0, 120)] }})()"
            ));
            assert!(at[1] != "none" && at[2].as_f64().unwrap() >= 2.0, "{name}: no visible focus on {}", at[3]);
            reached.insert(at[0].as_u64().unwrap_or(u64::MAX));
        }
        assert_eq!(reached, (0..all).collect(), "{name}: what the keyboard does not reach");
    }
    // first of all one may skip the navigation
    browser.go(&county.url("/console"));
    browser.key("Tab");
    assert_eq!(browser.eval("document.activeElement.className"), "skip");
    browser.key("Enter");
    assert_eq!(browser.eval("document.activeElement.id"), "main");
}

fn figures_are_live(county: &mut County, browser: &mut Browser) {
    browser.go(&county.url("/console?scope=ALL4&lang=zh"));
    let figure = |name: &str| format!("document.querySelector('[data-live=\"{name}\"]').textContent");
    let told = |browser: &mut Browser| {
        ["ALL4.cases", "ALL4.persons", "IMG5.cases"].map(|name| browser.eval(&figure(name)).as_str().unwrap().parse::<u32>().unwrap())
    };
    assert_eq!(told(browser), [ALL4, PERSONS, IMG5]);
    assert_eq!(browser.eval(&figure("target.share")), "75.0%");
    browser.until("document.getElementById('stream').textContent === '实时更新中'");
    browser.eval("window.kept = true; document.querySelector('#months').open = true; document.querySelector('section[aria-labelledby=centres] a').focus()");
    let sent = Instant::now();
    county.one_more();
    browser.until(&format!("{} === '{}'", figure("ALL4.cases"), ALL4 + 1));
    assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
    // the tables follow, what was open is open, who was at a link is there, and it is the same page
    browser.until("document.querySelector('section[aria-labelledby=institutions] td').textContent === '7'");
    let place = "[window.kept, document.querySelector('#months').open, document.activeElement.textContent]";
    assert_eq!(browser.eval(place), json!([true, true, "影像诊断中心"]));
    assert_eq!(told(browser), [ALL4 + 1, PERSONS, IMG5 + 1]);
    assert_eq!(browser.faults(), Vec::<String>::new());
}

/// Figure → cases → case → message, by clicks; nowhere a patient's name or number.
fn down_to_the_message(county: &County, browser: &mut Browser) {
    let hidden = |browser: &mut Browser, page: &str| {
        let text = browser.eval("document.documentElement.outerHTML");
        let text = text.as_str().unwrap();
        for secret in County::secrets() {
            assert!(!text.contains(secret), "{page} shows {secret}");
        }
    };
    browser.go(&county.url("/console?scope=ALL4&lang=zh"));
    browser.eval("document.querySelector('section[aria-labelledby=institutions] th a').click()");
    browser.until("location.pathname === '/console/cases' && document.querySelector('tbody tr')");
    assert_eq!(
        browser.eval("[document.querySelector('.count strong').textContent, document.querySelector('select[name=institution]').value]"),
        json!(["7", "LXZXWSY"])
    );
    assert_eq!(browser.eval("document.querySelectorAll('tbody tr').length"), 7);
    hidden(browser, "the list");
    browser.eval("document.querySelector('tbody th a').click()");
    browser.until("document.querySelector('.steps a')");
    hidden(browser, "the case");
    browser.eval("[...document.querySelectorAll('.steps a')].at(-1).click()");
    browser.until("document.querySelector('details.message:target')?.open");
    let text = browser.eval("document.querySelector('details.message:target pre').textContent");
    let text = text.as_str().unwrap();
    assert!(
        text.contains("ORU^R01") && text.contains("PID|1||*******^^^*******^**||***||1968****|F") && text.contains("|***，未见异常|"),
        "{text}"
    );
    // the other language is the same place, and the way back leads to the same list
    browser.eval("document.querySelector('.tools a[hreflang]').click()");
    browser.until("document.documentElement.lang === 'en' && document.querySelector('details.message:target')?.open");
    hidden(browser, "the case in English");
    browser.eval("document.querySelector('.crumbs a').click()");
    browser.until("document.querySelector('select[name=institution]')?.value === 'LXZXWSY'");
    assert_eq!(browser.faults(), Vec::<String>::new());
}

/// Who holds an institution's token sees what it examined or read, and nobody else's names.
fn an_institution_sees_its_own(county: &County, browser: &mut Browser) {
    browser.call(
        "Network.setCookie",
        json!({"name": "hutong_token", "value": "test-token", "url": county.url("/console"), "path": "/console"}),
    );
    for (lang, width) in [("zh", 1366), ("en", 390)] {
        browser.size(width, 844);
        browser.go(&county.url(&address("/console?scope=ALL4", lang)));
        browser.picture(&pictures().join(format!("daemon/institution-{lang}-{width}.png")));
        whole(browser, "an institution's own page");
        assert_eq!(browser.axe(), Vec::<String>::new(), "an institution's own page {lang}");
    }
    let text = browser.eval("document.body.innerText");
    let text = text.as_str().unwrap();
    assert!(text.contains("石桥镇卫生院") && !text.contains("柳溪中心卫生院") && !text.contains("青坪村卫生室"), "{text}");
    assert_eq!(browser.eval("document.querySelector('[data-live=\"ALL4.cases\"]').textContent"), "6");
    let targets = browser.eval("[...document.querySelectorAll('section[aria-labelledby=centres] thead th')].length");
    assert_eq!(targets, 3, "the county's targets of centres do not measure one institution");
    browser.call("Network.clearBrowserCookies", json!({}));
}

/// A page on a wall that shows old figures must say so.
fn a_gateway_that_is_gone_is_told(county: &mut County, browser: &mut Browser) {
    browser.size(1366, 768);
    browser.go(&county.url("/console?lang=zh"));
    browser.until("document.getElementById('stream').textContent === '实时更新中'");
    county.gateway.kill();
    browser.until("document.getElementById('stream').textContent.includes('不是最新')");
    assert_eq!(browser.eval("document.getElementById('stream').getBoundingClientRect().bottom <= innerHeight"), true, "it is in sight");
    browser.picture(&pictures().join("daemon/lost.png"));
}

fn fetched(county: &County, path: &str) -> Answer {
    request(county.gateway.http, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"), b"")
}

/// All links of the console, from its first page on.
fn every_link_leads_somewhere(county: &County) {
    let mut open: VecDeque<String> = VecDeque::from(["/console".to_owned()]);
    let mut known: BTreeSet<String> = open.iter().cloned().collect();
    let (mut files, mut cases) = (0, 0);
    while let Some(path) = open.pop_front() {
        let answer = fetched(county, &path);
        assert_eq!(answer.status, 200, "{path}");
        let html = answer.header("content-type").is_some_and(|t| t.starts_with("text/html"));
        files += u32::from(path.contains("format="));
        cases += u32::from(path.starts_with("/console/cases/"));
        if !html {
            assert!(!answer.body.is_empty(), "{path}");
            continue;
        }
        let text = String::from_utf8(answer.body).unwrap();
        for link in text.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let link = link.replace("&amp;", "&");
            if let Some(id) = link.strip_prefix('#') {
                assert!(text.contains(&format!(" id=\"{id}\"")), "{path}: {link} leads nowhere");
                continue;
            }
            assert!(link.starts_with("/console"), "{path} leads out of the console: {link}");
            // each page once, whatever language and order of the same questions; files only of the newest period
            let again = link.contains("lang=") && path != "/console";
            let file_of_old = link.contains("format=") && link.contains("period=");
            let twin = link.starts_with("/console/cases/") && known.iter().any(|k| k.split('?').next() == link.split('?').next());
            if !again && !file_of_old && !twin && known.insert(link.clone()) {
                open.push_back(link);
            }
        }
    }
    assert!(files >= 6 && cases >= ALL4, "{files} files and {cases} cases are not all");
    assert!(known.len() < 2_000, "{} links: the console leads round and round", known.len());
}
