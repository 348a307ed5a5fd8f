//! Why a document could not be written.

use crate::text::Text;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// No font with Chinese characters was found; where was looked.
    NoFont(Vec<String>),
    /// The configured font cannot be read, or holds no Chinese characters.
    BadFont(String),
    /// More than the form can hold: what, and how many it holds.
    TooLarge(&'static str, u64),
    /// The writer of the form refused; its own words.
    Refused(String),
}

impl Fault {
    /// What, why, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Fault::NoFont(tried) => Text::new(
                format!(
                    "未找到中文字体，无法生成 PDF。请安装 Debian 软件包 fonts-noto-cjk（apt-get install fonts-noto-cjk），或在配置中指定字体文件；已查找：{}",
                    tried.join("、")
                ),
                format!(
                    "No font with Chinese characters was found, so no PDF can be made. Install the Debian package fonts-noto-cjk, or configure a font file; looked for: {}",
                    tried.join(", ")
                ),
            ),
            Fault::BadFont(path) => Text::new(
                format!("字体文件不可用或不含中文：{path}。请改为含简体中文的 TrueType/OpenType 字体"),
                format!(
                    "The font file cannot be used or has no Chinese characters: {path}. Configure a TrueType or OpenType font that has them"
                ),
            ),
            Fault::TooLarge(what, max) => Text::new(
                format!("{what} 超过 {max} 的上限；请缩小范围，或改用 CSV"),
                format!("{what}: more than {max}; narrow the period, or use CSV"),
            ),
            Fault::Refused(why) => Text::new(format!("文件未能生成：{why}"), format!("The file could not be made: {why}")),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text().en)
    }
}

impl std::error::Error for Fault {}
