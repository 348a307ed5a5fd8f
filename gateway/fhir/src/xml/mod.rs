//! FHIR XML to a [`Tree`](crate::Tree) and back (FHIR R4, <https://hl7.org/fhir/R4/xml.html>).
//!
//! The tree is the one that the JSON reader gives for the same resource: lists and kinds of values come from the
//! definitions, attributes `id` and `url` are children, a resource inside a resource has `resourceType`, the narrative
//! is text. What is not well-formed is an error; what XML allows and FHIR does not is reported beside the tree. What
//! the tree itself shows (unknown elements, missing or empty values) is left to the validator.
//!
//! There is no DTD and there are no entities but XML's own five: a `DOCTYPE` is refused, so nothing can expand.

mod namespace;
mod narrative;
mod read;
mod write;

pub use read::parse;
pub use write::{write, write_node};

use crate::finding::{Finding, Severity};
use crate::tree::NodeId;

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Limits of one XML document.
#[derive(Clone, Copy, Debug)]
pub struct XmlLimits {
    pub bytes_max: usize,
    /// Elements inside one another, the narrative not counted.
    pub depth_max: usize,
    /// The same inside a narrative.
    pub narrative_depth_max: usize,
    pub elements_max: usize,
    pub attributes_max: usize,
    /// Reported issues; those beyond are dropped.
    pub issues_max: usize,
}

impl Default for XmlLimits {
    fn default() -> Self {
        XmlLimits {
            bytes_max: 64 << 20,
            depth_max: 64,
            narrative_depth_max: 256,
            elements_max: 1_000_000,
            attributes_max: 64,
            issues_max: 100,
        }
    }
}

/// Why a document could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum XmlErrorKind {
    TooLarge,
    /// Not UTF-8, or declared to be something else.
    Encoding,
    /// Not well-formed.
    Syntax,
    /// A character that XML does not allow, written as itself or as a reference.
    Character,
    /// An entity other than `amp lt gt apos quot`.
    Entity,
    Doctype,
    Depth,
    TooManyElements,
    TooManyAttributes,
    /// The root is not in FHIR's namespace.
    NotFhir,
}

/// What is wrong, and where. Holds no text of the document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XmlError {
    pub kind: XmlErrorKind,
    /// Byte offset in the document.
    pub offset: usize,
    /// From 1, in characters.
    pub line: u32,
    pub column: u32,
    pub zh: &'static str,
    pub en: &'static str,
}

impl XmlErrorKind {
    pub(crate) fn at(self, offset: usize, text: &[u8]) -> XmlError {
        let (line, column) = crate::json::line_column(text, offset);
        let (zh, en) = self.says();
        XmlError { kind: self, offset, line, column, zh, en }
    }

    fn says(self) -> (&'static str, &'static str) {
        match self {
            XmlErrorKind::TooLarge => ("XML 文件超过大小上限，请拆分后再提交", "the document is larger than the limit; send it in parts"),
            XmlErrorKind::Encoding => (
                "FHIR XML 必须是 UTF-8 编码，请转换编码并改正 encoding 声明",
                "FHIR XML must be UTF-8; convert it and correct its encoding declaration",
            ),
            XmlErrorKind::Syntax => {
                ("不是格式良好的 XML：请检查此处的标签、引号和嵌套", "not well-formed XML: check tags, quotes and nesting here")
            }
            XmlErrorKind::Character => {
                ("含有 XML 不允许的控制字符，请删除", "it holds a control character that XML does not allow; remove it")
            }
            XmlErrorKind::Entity => (
                "使用了未定义的实体；只能用 &amp; &lt; &gt; &apos; &quot; 和数字引用（如 &nbsp; 应写作 &#160;）",
                "an undefined entity; only &amp; &lt; &gt; &apos; &quot; and numeric references may be used (write &#160; for &nbsp;)",
            ),
            XmlErrorKind::Doctype => ("不接受 DOCTYPE 声明，请删除", "a DOCTYPE is not accepted; remove it"),
            XmlErrorKind::Depth => ("元素嵌套过深", "elements are nested too deeply"),
            XmlErrorKind::TooManyElements => ("元素过多，请拆分后再提交", "too many elements; send it in parts"),
            XmlErrorKind::TooManyAttributes => ("一个元素的属性过多", "too many attributes on one element"),
            XmlErrorKind::NotFhir => (
                "根元素不属于 FHIR 命名空间，应为 xmlns=\"http://hl7.org/fhir\"",
                "the root element is not in FHIR's namespace; it needs xmlns=\"http://hl7.org/fhir\"",
            ),
        }
    }
}

/// What XML allows and FHIR does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum XmlIssueKind {
    Attribute,
    /// An element below a primitive, or beside the resource in its place, or one that is an attribute.
    Element,
    Namespace,
    NarrativeNamespace,
    Text,
    CData,
    ProcessingInstruction,
    /// Not where the definition has it.
    Order,
    /// A control character that only XML 1.1 can write.
    Control,
}

/// Where such a thing stands: in `node`, at a byte offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XmlIssue {
    pub kind: XmlIssueKind,
    pub node: NodeId,
    pub offset: usize,
    /// Name of the attribute or element, cut where it is long; empty where there is none to tell.
    pub name: String,
}

impl XmlIssue {
    /// As a finding without a location, which the caller knows to write.
    pub fn finding(&self) -> Finding {
        let name = &self.name;
        let error = |rule, issue, zh: String, en: String| Finding::new(Severity::Error, rule, issue, 102).says(zh, en);
        match self.kind {
            XmlIssueKind::Attribute => error(
                "fhir.xml.attribute",
                "structure",
                format!("此元素没有属性“{name}”，请删除或改正"),
                format!("this element has no attribute '{name}'; remove or correct it"),
            ),
            XmlIssueKind::Element => error(
                "fhir.xml.element",
                "structure",
                format!("此处不能有元素“{name}”：简单类型只能含 extension，资源位置只能放一个资源，id 和扩展的 url 应写作属性"),
                format!(
                    "no element '{name}' may stand here: a primitive holds extensions only, a resource's place one resource; \
                     id, and url of an extension, are attributes"
                ),
            ),
            XmlIssueKind::Namespace => error(
                "fhir.xml.namespace",
                "structure",
                format!("元素“{name}”的命名空间不是 http://hl7.org/fhir，其内容未读取"),
                format!("the namespace of element '{name}' is not http://hl7.org/fhir; what it holds was not read"),
            ),
            XmlIssueKind::NarrativeNamespace => error(
                "fhir.xml.xhtml",
                "invalid",
                format!("叙述中元素“{name}”的命名空间应为 http://www.w3.org/1999/xhtml"),
                format!("the namespace of element '{name}' in the narrative must be http://www.w3.org/1999/xhtml"),
            ),
            XmlIssueKind::Text => error(
                "fhir.xml.text",
                "structure",
                "元素之间不能有文字；值应写在 value 属性中".into(),
                "there must be no text between elements; values belong into the attribute 'value'".into(),
            ),
            XmlIssueKind::CData => error("fhir.xml.cdata", "structure", "不允许使用 CDATA".into(), "CDATA sections are not allowed".into()),
            XmlIssueKind::ProcessingInstruction => error(
                "fhir.xml.pi",
                "invalid",
                "资源中不允许使用处理指令（<?…?>）".into(),
                "processing instructions (<?…?>) are not allowed in resources".into(),
            ),
            XmlIssueKind::Order => error(
                "fhir.xml.order",
                "invalid",
                format!("元素“{name}”的位置不对：XML 元素须按定义中的顺序排列"),
                format!("element '{name}' is out of order: XML elements stand in the order of the definition"),
            ),
            XmlIssueKind::Control => Finding::new(Severity::Warning, "fhir.xml.control", "invalid", 102).says(
                "含有控制字符，FHIR 的 XML（1.0）无法表示，请删除",
                "it holds a control character, which FHIR's XML (1.0) cannot carry; remove it",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
