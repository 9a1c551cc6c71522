import { testCourses } from './courses.ts'

testCourses('rotateInstallationCredential', 'outcome looked up')
