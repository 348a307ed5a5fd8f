//! Who looks at a page, and how they want it.

use hutong_paper::Lang;

/// Who is signed in. What they may see is decided by who gives the figures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Viewer {
    /// Somebody at this machine.
    Local,
    /// A member institution, by the token it holds.
    Institution {
        id: String,
        /// It may operate the gateway, and sees the whole community.
        operator: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    Light,
    Dark,
}

/// A request as far as a page needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    pub lang: Lang,
    /// What was chosen; else the browser's.
    pub theme: Option<Theme>,
    /// `/console/cases`.
    pub path: String,
    pub query: Vec<(String, String)>,
    /// `None`: nobody is signed in.
    pub viewer: Option<Viewer>,
}

impl Context {
    /// The text in the reader's language.
    pub fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// A parameter of the address; an empty one is as if it were not there.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// This page's address with one parameter changed (empty: taken out). The cursor of a list does not outlive a change.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.query.iter().filter(|(key, old)| key != name && key != "after" && !old.is_empty());
        let changed = (!value.is_empty()).then_some((name, value));
        address(&self.path, kept.map(|(k, v)| (k.as_str(), v.as_str())).chain(changed))
    }

    /// The same place in another language.
    pub(crate) fn in_language(&self, lang: &str) -> String {
        self.at(&self.path, Some(("lang", lang)))
    }

    /// Another page that is asked the same.
    pub(crate) fn at(&self, path: &str, more: Option<(&str, &str)>) -> String {
        let kept = self.query.iter().filter(|(key, old)| more.is_none_or(|(name, _)| key != name) && !old.is_empty());
        address(path, kept.map(|(k, v)| (k.as_str(), v.as_str())).chain(more))
    }

    /// Between two names that stand together: in Chinese type the dot brings its own room.
    pub(crate) fn dot(&self) -> &'static str {
        match self.lang {
            Lang::Zh => "·",
            Lang::En => " · ",
        }
    }
}

/// A path with parameters, each percent-encoded.
pub(crate) fn address<'a>(path: &str, query: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = path.to_owned();
    for (i, (key, value)) in query.into_iter().enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        out.push_str(&encoded(key));
        out.push('=');
        out.push_str(&encoded(value));
    }
    out
}

/// RFC 3986: all but unreserved characters.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `?lang=`, else the cookie, else what the browser prefers, else Chinese.
pub(crate) fn lang(query: &[(String, String)], cookie: Option<&str>, accept_language: &str) -> Lang {
    let of = |tag: &str| match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("zh") => Some(Lang::Zh),
        Some("en") => Some(Lang::En),
        _ => None,
    };
    let asked = query.iter().find(|(key, _)| key == "lang").and_then(|(_, value)| of(value));
    // browsers send them in order of preference, so their weights need no reading
    asked.or_else(|| cookie.and_then(of)).or_else(|| accept_language.split(',').find_map(of)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_readers() {
        for (query, cookie, header, expected) in [
            ("", None, "", Lang::Zh),
            ("", None, "en-GB,en;q=0.9,zh;q=0.5", Lang::En),
            ("", None, "fr, zh-CN;q=0.9", Lang::Zh),
            ("", Some("en"), "zh-CN", Lang::En),
            ("zh", Some("en"), "en", Lang::Zh),
            ("xx", None, "en", Lang::En),
            ("中", None, "é,en", Lang::En),
        ] {
            assert_eq!(lang(&[("lang".into(), query.into())], cookie, header), expected, "{query} {cookie:?} {header}");
        }
    }

    #[test]
    fn addresses_keep_what_else_was_asked() {
        let query = [("scope", "IMG5"), ("after", "9"), ("institution", "石堤"), ("period", "")];
        let context = Context {
            lang: Lang::Zh,
            theme: None,
            path: "/console/cases".into(),
            query: query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            viewer: None,
        };
        assert_eq!(context.with("scope", "ALL4"), "/console/cases?institution=%E7%9F%B3%E5%A0%A4&scope=ALL4");
        assert_eq!(context.with("scope", ""), "/console/cases?institution=%E7%9F%B3%E5%A0%A4");
        // another language is the same place, the page of a list included
        assert_eq!(context.in_language("en"), "/console/cases?scope=IMG5&after=9&institution=%E7%9F%B3%E5%A0%A4&lang=en");
        assert_eq!(context.at("/console/cases/7", None), "/console/cases/7?scope=IMG5&after=9&institution=%E7%9F%B3%E5%A0%A4");
        assert_eq!(address("/a", [("k", "a&b=c d+")]), "/a?k=a%26b%3Dc%20d%2B");
    }
}
