//! The projection as a whole: entries in, resources, histories and searches out.

mod apply;
mod damage;
mod events;
mod paging;
mod queries;
mod readers;
mod rebuild;
mod support;
