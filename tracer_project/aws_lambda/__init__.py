"""Running on AWS Lambda: what may come in, how HTTP reaches Django, what is loaded beforehand."""
