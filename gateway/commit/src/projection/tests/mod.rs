//! The projection as a whole: entries in, resources, histories and searches out.

mod apply;
mod damage;
mod paging;
mod queries;
mod readers;
mod rebuild;
mod support;
