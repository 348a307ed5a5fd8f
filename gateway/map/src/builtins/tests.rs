//! Every builtin's examples, run through a map as a mapping author would write it.

use super::ALL;
use crate::testing::eval;

#[test]
fn examples_hold() {
    for b in ALL {
        assert!(!b.examples.is_empty(), "{} has no examples", b.name);
        for x in b.examples {
            let got = eval(x.datatype, x.input, x.call);
            assert_eq!(got, x.gives, "{} on {:?} ({})", x.call, x.input, x.datatype);
        }
    }
}
