package aws

import "testing"

func TestImageOfAnotherRegion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, image string
		refused     bool
	}{
		{"here", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve:1", false},
		{"elsewhere", "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", true},
		{"not of ECR", "registry.example.com/serve:1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := smImageFault("eu-west-1", tt.image); (err != nil) != tt.refused {
				t.Errorf("a model: %v", err)
			}
			job := Params{"AppSpecification": Params{"ImageUri": tt.image}}
			if err := smJobImageFault("eu-west-1", job); (err != nil) != tt.refused {
				t.Errorf("a job: %v", err)
			}
		})
	}
}
