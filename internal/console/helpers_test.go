package console

const canary = "canary-3f9a-LINK-TOKEN-0123456789"
