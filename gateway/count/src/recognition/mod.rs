//! Figures of mutual recognition (互认统计): 提醒率, 查阅率, 互认率, 重复检查率, 不互认原因, 标识有效率, 节约费用.
//!
//! Each event counts on its own day. What is revoked later does not change the day of the answer: it is an adjustment of
//! the day on which it was revoked, and names the day it adjusts.
//!
//! | figure | formula |
//! |---|---|
//! | 提醒率 | reminded items of orders / items of orders for which there was something to recognise |
//! | 提醒查阅率 | reminders that were viewed / reminders |
//! | 互认率 | recognised / (recognised + refused for a reason that counts) |
//! | 重复检查率 | items of orders with something to recognise that were not recognised / all such items |
//! | 标识有效率 | marked results with a valid certificate / marked results looked at |
//! | 节约费用 | sum of the prices of what was recognised |

mod figures;
mod report;

#[cfg(test)]
mod tests;

pub use figures::{Adjustment, Counts, Figures, Key};
pub use report::{By, Rate, Row, report};
