# The ID of the version that the promotion made.
import {
  to = mlops_promotion.prod
  id = "local/churn-prod/models/churn/versions/1"
}
