module owner

go 1.24

require otlet v0.1.0

replace otlet => ../../plugins/sdk/go
