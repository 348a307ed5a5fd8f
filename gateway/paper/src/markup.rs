//! HTML that cannot be written unescaped: texts and attribute values go in as text, names are the program's own.

/// A piece of a page.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Html(String);

impl Html {
    /// An element with what is in it.
    pub fn node(&mut self, name: &'static str, attributes: &[(&'static str, &str)], inner: impl FnOnce(&mut Html)) {
        self.open(name, attributes);
        inner(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// An element with a text in it.
    pub fn leaf(&mut self, name: &'static str, attributes: &[(&'static str, &str)], text: &str) {
        self.node(name, attributes, |html| html.text(text));
    }

    /// An element that has no end: `meta`, `link`, `input`, `br`. An attribute without a value is one with an empty one.
    pub fn open(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (key, value) in attributes {
            self.0.push(' ');
            self.0.push_str(key);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    pub fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // not characters of HTML (WHATWG, "noncharacter", "control"), and able to confuse a terminal or an editor
                c if c.is_control() && !matches!(c, '\n' | '\t') => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
    }

    /// Markup of the program's own.
    pub fn trusted(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    pub fn push(&mut self, other: &Html) {
        self.0.push_str(&other.0);
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_as_text_stays_text() {
        let mut html = Html::default();
        html.node("p", &[("title", "\"><script>x</script>"), ("lang", "zh-CN")], |p| p.text("<b>&'张'\u{0}\u{1b}</b>"));
        html.leaf("br", &[], "");
        assert_eq!(
            html.as_str(),
            "<p title=\"&quot;&gt;&lt;script&gt;x&lt;/script&gt;\" lang=\"zh-CN\">&lt;b&gt;&amp;&#39;张&#39;\u{fffd}\u{fffd}&lt;/b&gt;</p><br></br>"
        );
    }
}
