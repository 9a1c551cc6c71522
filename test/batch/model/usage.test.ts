import { testCourses } from './courses.ts'

testCourses('submitBillingData')
