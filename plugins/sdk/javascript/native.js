// The contract as it is outside of a component: empty until a test's harness fills it in.
export const batch = {};
export const host = {};
