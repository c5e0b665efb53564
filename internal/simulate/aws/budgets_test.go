package aws_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/budgets/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

var account12 = sdk.String("123456789012")

// monthly is a budget of a stage's costs.
func monthly(amount string) *types.Budget {
	return &types.Budget{
		BudgetName: sdk.String("churn-dev"), BudgetType: types.BudgetTypeCost, TimeUnit: types.TimeUnitMonthly,
		BudgetLimit: &types.Spend{Amount: &amount, Unit: sdk.String("USD")},
		CostFilters: map[string][]string{"TagKeyValue": {"user:environment$churn-dev"}}, //nolint:staticcheck // the published model knows no other filter
	}
}

// above is a notification of a share of a budget.
func above(percent float64) *types.Notification {
	return &types.Notification{NotificationType: types.NotificationTypeActual, ComparisonOperator: types.ComparisonOperatorGreaterThan, Threshold: percent, ThresholdType: types.ThresholdTypePercentage}
}

func email(address string) types.Subscriber {
	return types.Subscriber{SubscriptionType: types.SubscriptionTypeEmail, Address: &address}
}

func TestBudgetLife(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, name := budgets.NewFromConfig(config), sdk.String("churn-dev")
	in := &budgets.CreateBudgetInput{
		AccountId: account12, Budget: monthly("100"), ResourceTags: []types.ResourceTag{{Key: sdk.String("a"), Value: sdk.String("1")}},
		NotificationsWithSubscribers: []types.NotificationWithSubscribers{{Notification: above(80), Subscribers: []types.Subscriber{email("a@example.com")}}},
	}
	must[*budgets.CreateBudgetOutput](t)(c.CreateBudget(t.Context(), in))
	_, err := c.CreateBudget(t.Context(), in)
	wantFault(t, err, "DuplicateRecordException", "already exists")
	must[*budgets.UpdateBudgetOutput](t)(c.UpdateBudget(t.Context(), &budgets.UpdateBudgetInput{AccountId: account12, NewBudget: monthly("250.5")}))
	got := must[*budgets.DescribeBudgetOutput](t)(c.DescribeBudget(t.Context(), &budgets.DescribeBudgetInput{AccountId: account12, BudgetName: name})).Budget
	if *got.BudgetLimit.Amount != "250.5" || got.TimePeriod.Start.Day() != 1 {
		t.Errorf("got %+v", got)
	}
	if !*got.CostTypes.IncludeTax || *got.CostTypes.UseBlended || got.CostFilters["TagKeyValue"][0] != "user:environment$churn-dev" { //nolint:staticcheck // as above
		t.Errorf("costs are %+v of %v", got.CostTypes, got.CostFilters) //nolint:staticcheck // as above
	}

	must[*budgets.CreateNotificationOutput](t)(c.CreateNotification(t.Context(), &budgets.CreateNotificationInput{AccountId: account12, BudgetName: name, Notification: above(100), Subscribers: []types.Subscriber{email("b@example.com")}}))
	_, err = c.CreateNotification(t.Context(), &budgets.CreateNotificationInput{AccountId: account12, BudgetName: name, Notification: above(100), Subscribers: []types.Subscriber{email("b@example.com")}})
	wantFault(t, err, "DuplicateRecordException", "notification")
	add := func(s types.Subscriber) error {
		_, err := c.CreateSubscriber(t.Context(), &budgets.CreateSubscriberInput{AccountId: account12, BudgetName: name, Notification: above(80), Subscriber: &s})
		return err
	}
	topic := types.Subscriber{SubscriptionType: types.SubscriptionTypeSns, Address: sdk.String("arn:aws:sns:us-east-1:123456789012:alerts")}
	if err := add(topic); err != nil {
		t.Fatal(err)
	}
	topic.Address = sdk.String("arn:aws:sns:us-east-1:123456789012:more")
	wantFault(t, add(topic), "CreationLimitExceededException", "")
	wantFault(t, add(email("nobody")), "InvalidParameterException", "email")
	subscribers := must[*budgets.DescribeSubscribersForNotificationOutput](t)(c.DescribeSubscribersForNotification(t.Context(), &budgets.DescribeSubscribersForNotificationInput{AccountId: account12, BudgetName: name, Notification: above(80)}))
	if len(subscribers.Subscribers) != 2 {
		t.Errorf("subscribers are %+v", subscribers.Subscribers)
	}
	// A notification goes with its last subscriber.
	last := email("b@example.com")
	must[*budgets.DeleteSubscriberOutput](t)(c.DeleteSubscriber(t.Context(), &budgets.DeleteSubscriberInput{AccountId: account12, BudgetName: name, Notification: above(100), Subscriber: &last}))
	notices := must[*budgets.DescribeNotificationsForBudgetOutput](t)(c.DescribeNotificationsForBudget(t.Context(), &budgets.DescribeNotificationsForBudgetInput{AccountId: account12, BudgetName: name}))
	if len(notices.Notifications) != 1 || notices.Notifications[0].Threshold != 80 || notices.Notifications[0].NotificationState != types.NotificationStateOk {
		t.Errorf("notifications are %+v", notices.Notifications)
	}
	must[*budgets.DeleteNotificationOutput](t)(c.DeleteNotification(t.Context(), &budgets.DeleteNotificationInput{AccountId: account12, BudgetName: name, Notification: above(80)}))
	must[*budgets.DeleteBudgetOutput](t)(c.DeleteBudget(t.Context(), &budgets.DeleteBudgetInput{AccountId: account12, BudgetName: name}))
	_, err = c.DescribeBudget(t.Context(), &budgets.DescribeBudgetInput{AccountId: account12, BudgetName: name})
	wantFault(t, err, "NotFoundException", "the budget doesn't exist")
}

func TestBudgetRefuses(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c := budgets.NewFromConfig(config)
	cases := []struct {
		name, code string
		change     func(*budgets.CreateBudgetInput)
	}{
		{"another account", "AccessDeniedException", func(in *budgets.CreateBudgetInput) { in.AccountId = sdk.String("210987654321") }},
		{"no limit", "InvalidParameterException", func(in *budgets.CreateBudgetInput) { in.Budget.BudgetLimit = nil }},
		{"another currency", "InvalidParameterException", func(in *budgets.CreateBudgetInput) { in.Budget.BudgetLimit.Unit = sdk.String("AUD") }},
		{"a filter of nothing", "InvalidParameterException", func(in *budgets.CreateBudgetInput) { in.Budget.FilterExpression = &types.Expression{} }},
		{"an unknown filter", "InvalidParameterException", func(in *budgets.CreateBudgetInput) {
			in.Budget.CostFilters = map[string][]string{"Mood": {"good"}} //nolint:staticcheck // as above
		}},
		{"one notification twice", "DuplicateRecordException", func(in *budgets.CreateBudgetInput) {
			n := types.NotificationWithSubscribers{Notification: above(80), Subscribers: []types.Subscriber{email("a@example.com")}}
			in.NotificationsWithSubscribers = []types.NotificationWithSubscribers{n, n}
		}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := &budgets.CreateBudgetInput{AccountId: account12, Budget: monthly("100")}
			tt.change(in)
			_, err := c.CreateBudget(t.Context(), in)
			wantFault(t, err, tt.code, "")
			_, err = c.DescribeBudget(t.Context(), &budgets.DescribeBudgetInput{AccountId: account12, BudgetName: in.Budget.BudgetName})
			wantFault(t, err, "NotFoundException", "") // nothing was made
		})
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	server, config := openServices(t, aws.Config{})
	server.World.SetQuota("ml.g5.xlarge for endpoint usage", 2)
	c := servicequotas.NewFromConfig(config)
	values, pages := map[string]float64{}, 0
	all := servicequotas.NewListServiceQuotasPaginator(c, &servicequotas.ListServiceQuotasInput{ServiceCode: sdk.String("sagemaker")})
	for ; all.HasMorePages(); pages++ {
		for _, q := range must[*servicequotas.ListServiceQuotasOutput](t)(all.NextPage(t.Context())).Quotas {
			values[*q.QuotaName] = *q.Value
		}
	}
	if pages < 2 || values["ml.g5.xlarge for endpoint usage"] != 2 || values["ml.m5.large for processing job usage"] != 4 || values["ml.p4d.24xlarge for training job usage"] != 0 {
		t.Errorf("%d pages of %d quotas", pages, len(values))
	}
	one := must[*servicequotas.GetServiceQuotaOutput](t)(c.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: sdk.String("sagemaker"), QuotaCode: sdk.String("L-1928E07B")}))
	if *one.Quota.QuotaName != "ml.g5.xlarge for endpoint usage" || *one.Quota.Value != 2 {
		t.Errorf("got %+v", one.Quota)
	}
	_, err := c.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: sdk.String("sagemaker"), QuotaCode: sdk.String("L-NONE")})
	wantFault(t, err, "NoSuchResourceException", "")
	_, err = c.ListServiceQuotas(t.Context(), &servicequotas.ListServiceQuotasInput{ServiceCode: sdk.String("ec2")})
	wantFault(t, err, "NoSuchResourceException", "")
}
