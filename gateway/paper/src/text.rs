//! Texts for people, in the two languages that everything here is written in.

use std::borrow::Cow;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// BCP 47, as `lang` attributes and PDF want it. Without the region browsers draw Japanese forms of some characters.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }
}

/// One text in both languages.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Text {
    pub zh: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Text {
    pub fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Text {
        Text { zh: zh.into(), en: en.into() }
    }

    /// A name that has one form only: of an institution, a document, a code.
    pub fn same(text: impl Into<Cow<'static, str>>) -> Text {
        let zh = text.into();
        Text { en: zh.clone(), zh }
    }

    /// The text in a language, in the other where it has none.
    pub fn of(&self, lang: Lang) -> &str {
        let (wanted, other) = match lang {
            Lang::Zh => (&self.zh, &self.en),
            Lang::En => (&self.en, &self.zh),
        };
        if wanted.is_empty() { other } else { wanted }
    }

    pub fn is_empty(&self) -> bool {
        self.zh.is_empty() && self.en.is_empty()
    }
}
