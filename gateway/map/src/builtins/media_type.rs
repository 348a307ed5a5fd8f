//! `media_type(type, subtype)`: the media type of ED and RP (tables 0191 and 0291), where it can be told.

use super::{Builtin, Gives, typed};
use crate::run::Val;
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "media_type",
    args: (1, 2),
    labels: &["subtype"],
    gives: Gives::Text,
    run: |e, args, _| {
        let first = args.first().and_then(|a| e.text(*a));
        let second = args.get(1).and_then(|a| e.text(*a));
        let Some((_, origin)) = second.as_ref().or(first.as_ref()).map(|(t, o)| (t.len(), *o)) else { return };
        let text = |v: &Option<(Cow<'_, str>, _)>| v.as_ref().map(|(t, _)| t.trim().to_ascii_lowercase()).unwrap_or_default();
        if let Some(media) = media(&text(&first), &text(&second)) {
            e.vals.push(Val::Text(Cow::Owned(media), origin));
        }
    },
    examples: &[
        typed("ED", "^IM^JPEG^Base64^", "media_type(x.2, x.3)", &["image/jpeg"]),
        typed("ED", "^Application^PDF^Base64^", "media_type(x.2, x.3)", &["application/pdf"]),
        typed("ED", "^TEXT^^A^", "media_type(x.2, x.3)", &["text/plain"]),
        typed("ED", "^application/dicom^^A^", "media_type(x.2, x.3)", &["application/dicom"]),
        typed("ED", "^IM^^A^", "media_type(x.2, x.3)", &[]),
    ],
};

fn media(kind: &str, subtype: &str) -> Option<String> {
    // some write the whole media type into one of the two
    if let Some(whole) = [subtype, kind].into_iter().find(|t| t.split_once('/').is_some_and(|(a, b)| is_token(a) && is_token(b))) {
        return Some(whole.to_owned());
    }
    let top = match kind {
        "im" | "image" | "si" => "image",
        "text" | "tx" | "ft" => "text",
        "audio" | "au" => "audio",
        "video" => "video",
        "multipart" => "multipart",
        "ap" | "application" | "" => "application",
        _ => return None,
    };
    let sub = match subtype {
        "jpg" => "jpeg",
        "dcm" => "dicom",
        "x-hl7-cda-level-one" => "xml",
        "" if top == "text" => "plain",
        "" => return None,
        s if is_token(s) => s,
        _ => return None,
    };
    // these subtypes say more than the type that stands beside them
    let top = match sub {
        "pdf" | "dicom" | "rtf" | "xml" | "json" | "zip" => "application",
        "png" | "jpeg" | "gif" | "tiff" => "image",
        "html" | "plain" => "text",
        _ => top,
    };
    Some(format!("{top}/{sub}"))
}

/// RFC 6838 §4.2, without what no media type in use needs.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.' | b'_'))
}
