//! `GET /`: one small page for a person who opened the address in a browser.

use crate::answer::Answer;

const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGE: &str = include_str!("landing.html");

pub(crate) fn answer() -> Answer {
    Answer::other("text/html; charset=utf-8", PAGE.as_bytes().to_vec()).confined(POLICY)
}
