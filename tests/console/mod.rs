//! The console in a real browser: how it looks, that nothing is blocked or wrong, that everybody can use it.
//!
//! Pictures of all pages are left in `target/tmp/console/`: look at them.

mod county;
mod daemon;
mod forms;
mod http;
mod pages;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use county::{TOKEN, serve};
use hutong_tests::browser::Browser;
use pages::whole;

const PAGES: [(&str, &str); 7] = [
    ("overview", "/console?scope=IMG5"),
    ("overview-all4", "/console?scope=ALL4"),
    ("cases", "/console/cases"),
    ("case", "/console/cases/c1#entry-1284013"),
    ("work", "/console/work"),
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

/// An invented county with a whole year's figures, large numbers and a year before: what the gateway's own pages (`pages`)
/// have after one morning is small.
#[test]
fn a_year_of_figures_is_whole_on_every_screen() {
    let served = serve(true);
    let mut browser = Browser::open();
    browser.media("light", "screen");
    for (lang, width, height) in [("zh", 1366, 768), ("zh", 1920, 1080), ("en", 390, 844)] {
        browser.size(width, height);
        for (name, path) in PAGES {
            browser.go(&served.url(&address(path, lang)));
            browser.picture(&pictures().join(format!("{name}-{lang}-{width}.png")));
            whole(&mut browser, &format!("{name} {lang} {width}"));
            if width != 1920 {
                assert_eq!(browser.axe(), Vec::<String>::new(), "{name} {lang} {width}");
            }
        }
    }
}

#[test]
fn dark_and_print_are_whole_too() {
    let served = serve(true);
    let mut browser = Browser::open();
    browser.size(1366, 768);
    for (name, path) in PAGES.iter().filter(|(name, _)| matches!(*name, "overview" | "quarterly")) {
        browser.media("dark", "screen");
        browser.go(&served.url(&address(path, "zh")));
        browser.picture(&pictures().join(format!("{name}-dark.png")));
        assert_eq!(browser.axe(), Vec::<String>::new(), "{name} dark");
        browser.media("light", "print");
        std::fs::write(pictures().join(format!("{name}.pdf")), browser.paper()).unwrap();
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
    let table = "document.querySelector('section[aria-labelledby=centres] td').textContent === '12,837'";
    // the stream is there when the page says so
    browser.until("!document.getElementById('stream').hidden");
    let sent = Instant::now();
    served.county.arrive();
    browser.until(&format!("{cases} === '19,262'"));
    assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
    browser.until(table);
    assert_eq!(browser.faults(), Vec::<String>::new());
    // without a script the page says the same, and a reload brings the news
    browser.scripts(false);
    served.county.arrive();
    browser.go(&served.url("/console"));
    browser.scripts(true);
    assert_eq!(browser.eval(cases), "19,263");
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
