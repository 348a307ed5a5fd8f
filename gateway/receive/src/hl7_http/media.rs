//! Media types of HL7 v2, and the charsets they name.

use hutong_decode::charset::Charset;

/// Those in use for the delimited form. The XML form (`…+xml`) is another format.
const OF_HL7: [&str; 6] =
    ["x-application/hl7-v2+er7", "application/hl7-v2+er7", "application/hl7-v2", "x-application/hl7-v2", "text/hl7v2", "text/plain"];

/// A media type as the request names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MediaType {
    essence: &'static str,
    pub(super) charset: Option<String>,
}

impl MediaType {
    /// `None` where it is none of HL7 v2's.
    pub(super) fn of_hl7(text: &str) -> Option<MediaType> {
        let mut parts = text.split(';');
        let essence = parts.next()?.trim();
        let essence = OF_HL7.into_iter().find(|known| known.eq_ignore_ascii_case(essence))?;
        let charset = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
            .filter(|value| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte)));
        Some(MediaType { essence, charset })
    }

    pub(super) fn with_charset(&self, charset: Option<&str>) -> String {
        match charset {
            Some(charset) => format!("{}; charset={charset}", self.essence),
            None => self.essence.to_owned(),
        }
    }
}

/// The name that HTTP uses (IANA) for a charset of table 0211.
pub(super) fn charset_name(charset: Charset) -> Option<&'static str> {
    match charset {
        Charset::Utf8 => Some("utf-8"),
        Charset::Gb18030 => Some("gb18030"),
        Charset::Iso2022Jp => Some("iso-2022-jp"),
        Charset::Latin1 => Some("iso-8859-1"),
        Charset::Ascii => Some("us-ascii"),
        Charset::Big5 => Some("big5"),
        Charset::EucKr => Some("euc-kr"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_hl7_and_no_others() {
        for (text, expected) in [
            ("x-application/hl7-v2+er7; charset=utf-8", Some("x-application/hl7-v2+er7; charset=utf-8")),
            ("Application/HL7-v2;Charset=\"GBK\"", Some("application/hl7-v2; charset=GBK")),
            ("text/plain; format=flowed", Some("text/plain")),
            ("text/plain; charset=a b", Some("text/plain")),
            ("application/hl7-v2+xml", None),
            ("application/json", None),
            ("", None),
        ] {
            let media = MediaType::of_hl7(text);
            assert_eq!(media.map(|media| media.with_charset(media.charset.as_deref())).as_deref(), expected, "{text}");
        }
    }
}
