module projected-token.test/pause

go 1.26.0
