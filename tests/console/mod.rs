//! The console in a real browser: how it looks, that nothing is blocked or wrong, that everybody can use it.
//!
//! Pictures of all pages are left in `target/tmp/console/`: look at them.

mod county;
mod forms;
mod http;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use county::{TOKEN, serve};
use hutong_tests::browser::Browser;

const PAGES: [(&str, &str); 6] = [
    ("overview", "/console?scope=IMG5"),
    ("overview-all4", "/console?scope=ALL4"),
    ("cases", "/console/cases"),
    ("case", "/console/cases/c1#entry-1284013"),
    ("recognition", "/console/recognition"),
    ("quarterly", "/console/quarterly"),
];

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("console")
}

fn address(path: &str, lang: &str) -> String {
    let (path, hash) = path.split_once('#').map_or((path, String::new()), |(p, h)| (p, format!("#{h}")));
    format!("{path}{}lang={lang}{hash}", if path.contains('?') { '&' } else { '?' })
}

#[test]
fn every_page_is_whole_in_both_languages_and_on_every_screen() {
    let served = serve(true);
    let mut browser = Browser::open();
    browser.media("light", "screen");
    for lang in ["zh", "en"] {
        for (width, height) in [(1366, 768), (1920, 1080), (390, 844)] {
            browser.size(width, height);
            for (name, path) in PAGES {
                browser.go(&served.url(&address(path, lang)));
                browser.picture(&pictures().join(format!("{name}-{lang}-{width}.png")));
                let seen = format!("{name} {lang} {width}");
                assert_eq!(browser.faults(), Vec::<String>::new(), "{seen}");
                let wide = browser.eval("document.documentElement.scrollWidth - innerWidth");
                assert!(wide.as_i64().unwrap() <= 0, "{seen}: {wide} pixels stick out to the right");
                if width != 1920 {
                    assert_eq!(browser.axe(), Vec::<String>::new(), "{seen}");
                }
            }
        }
    }
}

#[test]
fn dark_and_print_are_whole_too() {
    let served = serve(true);
    let mut browser = Browser::open();
    browser.size(1366, 768);
    for (name, path) in PAGES {
        browser.media("dark", "screen");
        browser.go(&served.url(&address(path, "zh")));
        browser.picture(&pictures().join(format!("{name}-dark.png")));
        assert_eq!(browser.axe(), Vec::<String>::new(), "{name} dark");
        browser.media("light", "print");
        browser.picture(&pictures().join(format!("{name}-print.png")));
        assert_eq!(browser.faults(), Vec::<String>::new(), "{name}");
    }
    // what was chosen by the button is kept, and comes with the page
    browser.media("light", "screen");
    browser.go(&served.url("/console"));
    browser.eval("document.getElementById('theme').click()");
    browser.go(&served.url("/console/cases"));
    assert_eq!(browser.eval("document.documentElement.dataset.theme"), "dark");
}

#[test]
fn figures_arrive_by_themselves_and_charts_follow() {
    let served = serve(true);
    let mut browser = Browser::open();
    browser.size(1366, 768);
    browser.go(&served.url("/console?lang=zh"));
    let cases = "document.querySelector('[data-live=\"IMG5.cases\"]').textContent";
    assert_eq!(browser.eval(cases), "19,261");
    let chart = "document.querySelector('#live').textContent.includes('12,837 / 14,500')";
    // the stream is there when the first event has come
    browser.until("document.getElementById('live').dataset.position");
    let sent = Instant::now();
    served.county.arrive();
    browser.until(&format!("{cases} === '19,262'"));
    assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
    browser.until(chart);
    assert_eq!(browser.faults(), Vec::<String>::new());
    // without a script the page says the same, and a reload brings the news
    browser.scripts(false);
    served.county.arrive();
    browser.go(&served.url("/console"));
    browser.scripts(true);
    assert_eq!(browser.eval(cases), "19,263");
}

#[test]
fn the_keyboard_reaches_everything_and_shows_where_it_is() {
    let served = serve(true);
    let mut browser = Browser::open();
    browser.size(1366, 768);
    for (name, path) in PAGES {
        browser.go(&served.url(&address(path.split('#').next().unwrap(), "zh")));
        browser.key("Tab");
        assert_eq!(browser.eval("document.activeElement.className"), "skip", "{name}: first of all one may skip the navigation");
        let reachable = "[...document.querySelectorAll('a[href], button, select, summary, input, [tabindex=\"0\"]')].filter(e => e.checkVisibility()).length";
        let all = browser.eval(reachable).as_u64().unwrap();
        let mut reached = 1;
        while reached < all {
            browser.key("Tab");
            let outline = browser.eval("getComputedStyle(document.activeElement).outlineStyle");
            assert_ne!(outline, "none", "{name}: {} shows no focus", browser.eval("document.activeElement.outerHTML"));
            reached += 1;
        }
        assert_eq!(browser.eval("[...document.querySelectorAll('a[href], button, select, summary, input, [tabindex=\"0\"]')].filter(e => e.checkVisibility()).at(-1) === document.activeElement"), true, "{name}: the last one is reached last");
    }
    browser.go(&served.url("/console"));
    browser.key("Tab");
    browser.key("Enter");
    assert_eq!(browser.eval("document.activeElement.id"), "main");
}

#[test]
fn who_has_no_token_is_asked_for_one() {
    let served = serve(false);
    let mut browser = Browser::open();
    browser.size(1366, 768);
    browser.go(&served.url("/console?lang=zh"));
    let field = "document.querySelector('input[name=token]')";
    assert_eq!(browser.eval(&format!("document.activeElement === {field}")), true);
    assert_eq!(browser.axe(), Vec::<String>::new());
    for (token, then) in [("wrong", "document.querySelector('[role=alert]')"), (TOKEN, "document.querySelector('[data-live]')")] {
        browser.eval(&format!("{field}.value = '{token}'; {field}.form.requestSubmit()"));
        browser.until(then);
        browser.picture(&pictures().join(format!("login-{token}.png")));
    }
    assert_eq!(browser.eval("document.cookie.includes('token')"), false, "no script reads the token");
    browser.eval("document.querySelector('form[action=\"/console/logout\"]').requestSubmit()");
    browser.until(field);
}
