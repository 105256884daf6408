package main

// behaviourChecks are the models of what people will do.
var behaviourChecks = []check{
	{"trees", treesCheck},
	{"shap", testsCheck("TreeSHAP equals the sum over all subsets to 1e-9", "./models/trees", "-run", "TestExplain$")},
}
