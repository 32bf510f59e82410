//! libFuzzer's program for this target.
#![cfg_attr(fuzzing, no_main)]

otlet_fuzz::example!(calls);
