//! Narrative (txt-1, txt-2): `text.div` is well-formed XHTML of the basic elements and attributes, without active
//! content, and says something.
//!
//! A small checker of its own: it looks at each byte once, keeps only the open elements, and never builds a tree.

use crate::place::Frame;
use crate::rules;
use crate::walk::Walk;

/// Open elements at one time.
const DEPTH_MAX: usize = 256;

/// HTML 4.0 chapters 7–11 (without 9.4) and 15, `a` and `img` (FHIR R4, narrative.html#Narrative).
const ELEMENTS: [&str; 53] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "map",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
];

/// Attributes of any element: those of all of HTML, and those of the cells of tables.
const ATTRIBUTES: [&str; 20] = [
    "abbr",
    "accesskey",
    "align",
    "axis",
    "char",
    "charoff",
    "class",
    "colspan",
    "dir",
    "headers",
    "id",
    "lang",
    "rowspan",
    "scope",
    "span",
    "style",
    "tabindex",
    "title",
    "valign",
    "width",
];

/// Attributes of single elements.
const ATTRIBUTES_OF: [(&str, &[&str]); 9] = [
    ("a", &["charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "type"]),
    ("area", &["alt", "coords", "href", "nohref", "shape"]),
    ("blockquote", &["cite"]),
    ("img", &["alt", "border", "height", "ismap", "longdesc", "src", "usemap"]),
    ("map", &["name"]),
    ("pre", &["space"]),
    ("q", &["cite"]),
    ("table", &["border", "cellpadding", "cellspacing", "frame", "rules", "summary"]),
    ("td", &["nowrap"]),
];

/// Elements that have no place in a paragraph.
const BLOCKS: [&str; 6] = ["blockquote", "div", "ol", "p", "table", "ul"];

/// What is wrong with a narrative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    NotXml,
    Root,
    Element,
    Attribute,
    Link,
    Scheme,
    Paragraph,
    Depth,
    Blank,
}

impl<'t> Walk<'t> {
    pub(crate) fn narrative(&mut self, at: &Frame<'_, '_>, div: &'t str) {
        let mut links = Vec::new();
        let checked = check(div, &mut links);
        // a picture or link in the text uses what is contained, too
        links.into_iter().for_each(|link| self.scope.link(link));
        let (zh, en) = match checked {
            Ok(()) => return,
            Err(Fault::Blank) => return self.broken(at, &rules::TXT_2),
            Err(Fault::NotXml) => ("不是格式良好的 XHTML", "it is not well-formed XHTML"),
            Err(Fault::Root) => {
                ("根元素应为 <div xmlns=\"http://www.w3.org/1999/xhtml\">", "its root must be <div xmlns=\"http://www.w3.org/1999/xhtml\">")
            }
            Err(Fault::Element) => (
                "含有不允许的元素（如 script、iframe、object）",
                "it holds an element that is not allowed (such as script, iframe, object)",
            ),
            Err(Fault::Attribute) => {
                ("含有不允许的属性（如 onclick、onerror）", "it holds an attribute that is not allowed (such as onclick, onerror)")
            }
            Err(Fault::Link) => ("链接或图片地址是脚本", "a link or image address is a script"),
            Err(Fault::Scheme) => (
                "链接地址的协议不能打开（只用 http、https、ftp、mailto、tel、data 或相对地址）",
                "a link's scheme can not be followed (use http, https, ftp, mailto, tel, data or a relative address)",
            ),
            Err(Fault::Paragraph) => {
                ("段落 p 中不能再有 div、p、blockquote、table、ol、ul", "a paragraph p must not hold div, p, blockquote, table, ol or ul")
            }
            Err(Fault::Depth) => ("元素嵌套过深", "its elements are nested too deeply"),
        };
        self.broken_because(at, &rules::TXT_1, zh, en);
    }
}

/// Checks one `div`; what it links to within the resource (`#id`) goes to `links`.
pub(crate) fn check<'a>(text: &'a str, links: &mut Vec<&'a str>) -> Result<(), Fault> {
    let mut checker = Checker { rest: text.trim(), open: Vec::new(), says_something: false, links };
    if !checker.rest.starts_with("<div") {
        return Err(Fault::Root);
    }
    loop {
        checker.step()?;
        if checker.open.is_empty() {
            break;
        }
    }
    if !checker.rest.is_empty() {
        return Err(Fault::NotXml);
    }
    if checker.says_something { Ok(()) } else { Err(Fault::Blank) }
}

struct Checker<'a, 'l> {
    rest: &'a str,
    links: &'l mut Vec<&'a str>,
    open: Vec<&'a str>,
    says_something: bool,
}

impl<'a> Checker<'a, '_> {
    /// One piece of text, one tag or one comment.
    fn step(&mut self) -> Result<(), Fault> {
        let Some(at) = self.rest.find('<') else { return Err(Fault::NotXml) };
        let (content, rest) = self.rest.split_at(at);
        self.content(content)?;
        self.rest = rest;
        if let Some(rest) = rest.strip_prefix("<!--") {
            let end = rest.find("--").ok_or(Fault::NotXml)?;
            self.rest = rest[end..].strip_prefix("-->").ok_or(Fault::NotXml)?;
            return Ok(());
        }
        if let Some(rest) = rest.strip_prefix("</") {
            let end = rest.find('>').ok_or(Fault::NotXml)?;
            let name = rest[..end].trim_end();
            self.rest = &rest[end + 1..];
            return if self.open.pop() == Some(name) { Ok(()) } else { Err(Fault::NotXml) };
        }
        // processing instructions, DOCTYPE and CDATA have no place here
        if rest.starts_with("<!") || rest.starts_with("<?") {
            return Err(Fault::NotXml);
        }
        self.start_tag(&rest[1..])
    }

    fn content(&mut self, content: &str) -> Result<(), Fault> {
        entities(content)?;
        self.says_something |= content.contains(|c: char| !c.is_whitespace());
        Ok(())
    }

    fn start_tag(&mut self, text: &'a str) -> Result<(), Fault> {
        let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).ok_or(Fault::NotXml)?;
        let (name, mut rest) = text.split_at(end);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.')) {
            return Err(Fault::NotXml);
        }
        if !ELEMENTS.contains(&name) {
            return Err(Fault::Element);
        }
        if BLOCKS.contains(&name) && self.open.contains(&"p") {
            return Err(Fault::Paragraph);
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Fault::Depth);
        }
        let is_root = self.open.is_empty();
        let mut namespace = None;
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let trimmed = rest.trim_start();
            if let Some(after) = trimmed.strip_prefix("/>") {
                self.rest = after;
                break;
            }
            if let Some(after) = trimmed.strip_prefix('>') {
                self.rest = after;
                self.open.push(name);
                break;
            }
            if trimmed.len() == rest.len() {
                return Err(Fault::NotXml);
            }
            let (attribute, value, after) = attribute(trimmed)?;
            if seen.contains(&attribute) || seen.len() > 64 {
                return Err(Fault::NotXml);
            }
            seen.push(attribute);
            allowed(name, attribute, value)?;
            if matches!(attribute, "href" | "src") && value.starts_with('#') {
                self.links.push(value);
            }
            if attribute == "xmlns" {
                namespace = Some(value);
            }
            rest = after;
        }
        // a picture says something
        self.says_something |= name == "img";
        let good = match namespace {
            Some(namespace) => namespace == "http://www.w3.org/1999/xhtml",
            None => !is_root,
        };
        if good && (name == "div" || !is_root) { Ok(()) } else { Err(Fault::Root) }
    }
}

/// `name="value"` or `name='value'`: (name, value, what follows).
fn attribute(text: &str) -> Result<(&str, &str, &str), Fault> {
    let equals = text.find('=').ok_or(Fault::NotXml)?;
    let name = text[..equals].trim_end();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.')) {
        return Err(Fault::NotXml);
    }
    let rest = text[equals + 1..].trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(Fault::NotXml)?;
    let rest = &rest[1..];
    let end = rest.find(quote).ok_or(Fault::NotXml)?;
    let value = &rest[..end];
    if value.contains('<') {
        return Err(Fault::NotXml);
    }
    entities(value)?;
    Ok((name, value, &rest[end + 1..]))
}

fn allowed(element: &str, name: &str, value: &str) -> Result<(), Fault> {
    let of_element = ATTRIBUTES_OF.iter().any(|(e, names)| *e == element && names.contains(&name));
    if !(of_element || ATTRIBUTES.contains(&name) || matches!(name, "xml:lang" | "xml:space" | "xmlns")) {
        return Err(Fault::Attribute);
    }
    if matches!(name, "href" | "src" | "cite" | "longdesc" | "style") {
        // white space, control characters and character references hide a scheme from a plain comparison
        let plain: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect::<String>().to_ascii_lowercase();
        let script = ["javascript:", "vbscript:", "data:text/html", "data:image/svg"].iter().any(|s| plain.contains(s));
        let hidden = name != "style" && !plain.starts_with('#') && plain.split(['/', '?']).next().is_some_and(|s| s.contains("&#"));
        if script || hidden {
            return Err(Fault::Link);
        }
        if matches!(name, "href" | "src") && !can_be_followed(&plain) {
            return Err(Fault::Scheme);
        }
    }
    Ok(())
}

/// Whether an address is relative or of a scheme that a browser follows without running anything.
fn can_be_followed(address: &str) -> bool {
    let Some((scheme, _)) = address.split_once(':') else { return true };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    !is_scheme || ["http", "https", "ftp", "mailto", "tel", "sms", "data", "cid"].contains(&scheme)
}

/// Every `&` begins a character reference or an entity of XML.
fn entities(text: &str) -> Result<(), Fault> {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        rest = &rest[at + 1..];
        let end = rest.bytes().take(12).position(|b| b == b';').ok_or(Fault::NotXml)?;
        let name = &rest[..end];
        let good = match name.strip_prefix('#') {
            Some(number) => match number.strip_prefix('x') {
                Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
                None => !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()),
            },
            None => matches!(name, "lt" | "gt" | "amp" | "quot" | "apos"),
        };
        if !good {
            return Err(Fault::NotXml);
        }
        rest = &rest[end + 1..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Fault> {
        super::check(text, &mut Vec::new())
    }

    const OPEN: &str = r#"<div xmlns="http://www.w3.org/1999/xhtml">"#;

    #[test]
    fn plain_narratives_pass() {
        for body in [
            "张三",
            "<p>a <b>b</b><br/>c</p>",
            "<table class='grid'><tr><td colspan=\"2\">x</td></tr></table>",
            "<a href=\"http://x/y?a=1&amp;b=2\">x</a>",
            "<img src=\"#a\" alt=\"x\"/>",
            "<!-- c -->x &lt; y &#169; &#xA0;",
            "<p style=\"color: red\">x</p>",
            "<pre xml:space=\"preserve\">x</pre>",
            "<p>x <a href=\"mailto:a@b.cn\">y</a> <a href=\"a/b:c\">z</a></p><p>w</p>",
        ] {
            assert_eq!(check(&format!("{OPEN}{body}</div>")), Ok(()), "{body}");
        }
        assert_eq!(check("<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"), Ok(()));
    }

    #[test]
    fn active_and_broken_content_is_found() {
        for (body, fault) in [
            ("<script>alert(1)</script>", Fault::Element),
            ("<SCRIPT>x</SCRIPT>", Fault::Element),
            ("<iframe src=\"x\"></iframe>", Fault::Element),
            ("<style>x</style>", Fault::Element),
            ("<form><input/></form>", Fault::Element),
            ("<img src=\"x\" onerror=\"alert(1)\"/>", Fault::Attribute),
            ("<p onclick='x'>x</p>", Fault::Attribute),
            ("<a href=\"javascript:alert(1)\">x</a>", Fault::Link),
            ("<a href=\" java\nscript:alert(1)\">x</a>", Fault::Link),
            ("<a href=\"&#106;avascript:alert(1)\">x</a>", Fault::Link),
            ("<p>x", Fault::NotXml),
            ("<p>x</b>", Fault::NotXml),
            ("a & b", Fault::NotXml),
            ("a&nbsp;b", Fault::NotXml),
            ("<font color=\"red\">x</font>", Fault::Element),
            ("<p href=\"x\">x</p>", Fault::Attribute),
            ("<p a>x</p>", Fault::NotXml),
            ("<p>x<p>y</p></p>", Fault::Paragraph),
            ("<p><b><ul><li>y</li></ul></b></p>", Fault::Paragraph),
            ("<a href=\"urn:uuid:1\">x</a>", Fault::Scheme),
            ("<p class=a>x</p>", Fault::NotXml),
            ("<![CDATA[x]]>", Fault::NotXml),
            ("<?x?>", Fault::NotXml),
            ("", Fault::Blank),
            (" <p> </p>\n", Fault::Blank),
        ] {
            assert_eq!(check(&format!("{OPEN}{body}</div>")), Err(fault), "{body}");
        }
        for (text, fault) in [
            ("plain", Fault::Root),
            ("<p>x</p>", Fault::Root),
            ("<div>x</div>", Fault::Root),
            ("<div xmlns=\"http://x\">x</div>", Fault::Root),
            ("", Fault::Root),
            (&format!("{OPEN}x</div><p>y</p>"), Fault::NotXml),
            (&format!("{OPEN}{}", "<b>".repeat(100_000)), Fault::Depth),
            (&format!("{OPEN}{}", "<".repeat(100_000)), Fault::NotXml),
        ] {
            assert_eq!(check(text), Err(fault));
        }
    }
}
