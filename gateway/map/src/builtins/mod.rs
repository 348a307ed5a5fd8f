//! What mappings can call beside maps, `ref` and `table`: one file each, whose examples are its tests.

mod absent;
mod add;
mod base64;
mod boolean;
mod code;
mod comparator;
mod concat;
pub(crate) mod convert;
mod date;
mod date_time;
mod decimal;
mod dtm;
mod id;
mod instant;
pub(crate) mod institution;
mod integer;
mod join;
pub(crate) mod key;
mod lower;
mod mark;
mod markdown;
mod media_type;
mod nth;
mod number;
mod oid;
mod positive_int;
mod raw;
mod split;
mod string;
mod system;
mod tablesystem;
#[cfg(test)]
mod tests;
mod time;
mod trim;
mod ucum;
mod unsigned_int;
mod upper;
mod uri;
mod url;
mod uuid_ref;

use hutong_fhir::primitive::Primitive;
use std::borrow::Cow;

use crate::plan::OpId;
use crate::run::{Exec, Origin, Val};

/// What a builtin's value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gives {
    /// A text, which becomes the primitive that the element takes.
    Text,
    Primitive(Primitive),
    /// `dateTime`, `instant` or `date`, by the element.
    Moment,
}

/// A call on a value, and what it gives. The value is a text (ST) unless a data type is named.
#[cfg_attr(not(test), expect(dead_code, reason = "examples are tests"))]
pub(crate) struct Example {
    pub datatype: &'static str,
    pub input: &'static str,
    /// With `x` for the value.
    pub call: &'static str,
    pub gives: &'static [&'static str],
}

/// Reads its arguments and pushes what it gives. The last argument is the operation itself, to tell calls apart.
pub(crate) type Run = for<'m> fn(&mut Exec<'m>, &'m [OpId], OpId);

pub(crate) struct Builtin {
    pub name: &'static str,
    /// Least and greatest count of arguments.
    pub args: (u8, u8),
    /// Names of the arguments behind the least count.
    pub labels: &'static [&'static str],
    pub gives: Gives,
    pub run: Run,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are tests"))]
    pub examples: &'static [Example],
}

const ALL: &[&Builtin] = &[
    &absent::BUILTIN,
    &add::BUILTIN,
    &base64::BUILTIN,
    &boolean::BUILTIN,
    &code::BUILTIN,
    &comparator::BUILTIN,
    &concat::BUILTIN,
    &date::BUILTIN,
    &date_time::BUILTIN,
    &decimal::BUILTIN,
    &dtm::BUILTIN,
    &id::BUILTIN,
    &instant::BUILTIN,
    &institution::BUILTIN,
    &integer::BUILTIN,
    &join::BUILTIN,
    &key::BUILTIN,
    &lower::BUILTIN,
    &mark::MARK,
    &mark::UNMARKED,
    &markdown::BUILTIN,
    &media_type::BUILTIN,
    &nth::BUILTIN,
    &number::BUILTIN,
    &oid::BUILTIN,
    &positive_int::BUILTIN,
    &raw::BUILTIN,
    &split::BUILTIN,
    &string::BUILTIN,
    &system::BUILTIN,
    &tablesystem::BUILTIN,
    &time::BUILTIN,
    &trim::BUILTIN,
    &unsigned_int::BUILTIN,
    &ucum::BUILTIN,
    &upper::BUILTIN,
    &uri::BUILTIN,
    &url::BUILTIN,
    &uuid_ref::BUILTIN,
];

/// The number of a builtin.
pub(crate) fn find(name: &str) -> Option<u16> {
    ALL.iter().position(|b| b.name == name).map(|i| i as u16)
}

pub(crate) fn get(id: u16) -> Option<&'static Builtin> {
    ALL.get(id as usize).copied()
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|b| b.name)
}

const fn example(input: &'static str, call: &'static str, gives: &'static [&'static str]) -> Example {
    Example { datatype: "ST", input, call, gives }
}

const fn typed(datatype: &'static str, input: &'static str, call: &'static str, gives: &'static [&'static str]) -> Example {
    Example { datatype, input, call, gives }
}

/// A builtin that changes each value of its argument.
fn each<'m>(e: &mut Exec<'m>, args: &'m [OpId], change: impl Fn(&mut Exec<'m>, Cow<'m, str>) -> Option<Cow<'m, str>>) {
    let Some(arg) = args.first() else { return };
    e.replace_values(*arg, |e, v| {
        let (text, origin) = e.text_from(v)?;
        change(e, text).map(|out| Val::Text(out, origin))
    });
}

/// A builtin that converts to a primitive; what does not convert is remembered.
fn conversion<'m>(e: &mut Exec<'m>, args: &'m [OpId], to: Primitive) {
    let Some(arg) = args.first() else { return };
    e.replace_values(*arg, |e, v| {
        let (text, origin) = e.primitive_text(to, v)?;
        let zone = e.zone.unwrap_or(e.cx.zone_minutes);
        let out = convert::to(to, text.clone(), zone);
        if out.is_none() {
            e.fails(to, origin, text.into_owned());
        }
        out.map(|out| Val::Text(out, origin))
    });
}

/// Several values of the first argument as one text.
fn joined<'m>(e: &mut Exec<'m>, arg: OpId, between: &str) -> Option<(Cow<'m, str>, Origin)> {
    if let Some(v) = e.single(arg) {
        return e.text_from(v);
    }
    let from = e.vals.len();
    let n = e.values(arg);
    let found: Vec<Val<'m>> = e.vals.drain(from..from + n).collect();
    match found.as_slice() {
        [one] => e.text_of(one),
        many => e.joined(many, between),
    }
}

/// The system of a code said to be of an HL7 table.
pub(crate) fn system_of_code(e: &mut Exec<'_>, uri: String, code: &str) -> String {
    system::of_code(e, uri, code)
}

/// The uri of an id that is unique by itself.
pub(crate) fn uri_of(id: &str) -> Option<String> {
    system::universal_uri(id, "")
}
